# SPDX-License-Identifier: BSD-2-Clause
# The lock test is built twice: with and without the rank check.
UNIT_TESTS += \
	tests/unit/shm/test_lock \
	tests/unit/shm/test_lock_ranks \
	tests/unit/shm/test_seg \
	tests/unit/shm/test_slots

SHM_TEST_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
SHM_TEST_LIBS = libshm.a libbase.a $(CMOCKA_LIBS) -lpthread

tests_unit_shm_test_lock_SOURCES = tests/unit/shm/test_lock.c
tests_unit_shm_test_lock_CFLAGS = $(SHM_TEST_CFLAGS)
tests_unit_shm_test_lock_LDADD = $(SHM_TEST_LIBS)

tests_unit_shm_test_lock_ranks_SOURCES = tests/unit/shm/test_lock.c src/shm/lock.c
tests_unit_shm_test_lock_ranks_CPPFLAGS = $(AM_CPPFLAGS) -USLOW_CHECKS -DSLOW_CHECKS=1
tests_unit_shm_test_lock_ranks_CFLAGS = $(SHM_TEST_CFLAGS)
tests_unit_shm_test_lock_ranks_LDADD = libbase.a $(CMOCKA_LIBS) -lpthread

tests_unit_shm_test_seg_SOURCES = tests/unit/shm/test_seg.c
tests_unit_shm_test_seg_CFLAGS = $(SHM_TEST_CFLAGS)
tests_unit_shm_test_seg_LDADD = $(SHM_TEST_LIBS)

tests_unit_shm_test_slots_SOURCES = tests/unit/shm/test_slots.c
tests_unit_shm_test_slots_CFLAGS = $(SHM_TEST_CFLAGS)
tests_unit_shm_test_slots_LDADD = $(SHM_TEST_LIBS)
