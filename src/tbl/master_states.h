/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Life of the master, and of one reload inside it.
 * MASTER_STATE(id, name, bits of the states that may follow, help)
 * RELOAD_PHASE(id, name, bits of the phases that may follow, help)
 * Numbered from 1 in this order.
 */
MASTER_STATE(STARTING, "starting", 1 << 2 | 1 << 4, "workers are not all there yet")
MASTER_STATE(RUNNING, "running", 1 << 3 | 1 << 4 | 1 << 5, "serving")
MASTER_STATE(RELOADING, "reloading", 1 << 2 | 1 << 4, "serving, and preparing another configuration")
MASTER_STATE(STOPPING, "stopping", 0, "waiting for the children to end")
MASTER_STATE(UPGRADING, "upgrading", 1 << 2 | 1 << 4, "serving, and trying the program that is to take over")

RELOAD_PHASE(IDLE, "idle", 1 << 2, "no reload is under way")
RELOAD_PHASE(PREPARING, "preparing", 1 << 3 | 1 << 1, "every worker builds what it needs")
RELOAD_PHASE(SETTLING, "settling", 1 << 1, "committed; waiting until every worker has done so")
