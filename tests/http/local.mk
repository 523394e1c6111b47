# Black-box tests: the real daemon, scripted clients and origins, real tools (pytest).
EXTRA_DIST += \
	tests/http/conftest.py tests/http/pytest.ini \
	tests/http/lib/__init__.py tests/http/lib/load.py tests/http/lib/origin.py \
	tests/http/lib/procfs.py tests/http/lib/proxy.py tests/http/lib/wait.py tests/http/lib/wire.py \
	tests/http/test_00_harness.py tests/http/test_01_strict.py tests/http/test_02_forward.py \
	tests/http/test_03_fields.py tests/http/test_04_routes.py tests/http/test_05_upgrade.py \
	tests/http/test_06_listeners.py tests/http/test_10_upstream_trouble.py \
	tests/http/test_11_pool.py tests/http/test_20_client_timeouts.py \
	tests/http/test_30_streaming.py tests/http/test_40_reload.py tests/http/test_50_tools.py \
	tests/http/test_51_logs.py tests/http/test_60_spread.py tests/http/test_70_torture.py \
	tests/http/test_80_cache_basics.py tests/http/test_81_cache_collapse.py \
	tests/http/test_82_cache_purge.py tests/http/test_83_cache_conditions.py \
	tests/http/test_84_cache_rules.py tests/http/test_85_cache_trouble.py \
	tests/http/test_admin.py tests/http/lib/promtext.py tests/http/lib/cache.py \
	tests/soak/idle.py tests/soak/streams.py \
	tests/soak/cache_load.py tests/soak/cache_kill.py tests/soak/cache_reload.py
