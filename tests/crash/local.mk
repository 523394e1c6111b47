# Processes that die, wrong configurations (pytest; the tools are those of tests/http).
EXTRA_DIST += \
	tests/crash/conftest.py tests/crash/pytest.ini \
	tests/crash/test_10_start.py tests/crash/test_20_death.py tests/crash/test_30_reload.py \
	tests/crash/test_40_upgrade.py tests/crash/test_50_restart.py tests/crash/test_60_systemd.py \
	tests/crash/test_80_cache.py
