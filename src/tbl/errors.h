/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Error codes. ERROR(name, text)
 * Functions that can fail return 0 or the negative code; the text completes a sentence.
 * Rows are appended, never renumbered: codes appear in logs and in the segment.
 */
ERROR(NOMEM, "out of memory")
ERROR(LIMIT, "a limit was reached")
ERROR(SYNTAX, "malformed input")
ERROR(RANGE, "value out of range")
ERROR(EXISTS, "already exists")
ERROR(MISSING, "does not exist")
ERROR(SYS, "a system call failed")
ERROR(BUSY, "temporarily not possible")
ERROR(TIMEOUT, "the deadline passed")
ERROR(REFUSED, "not allowed")
ERROR(VERSION, "made by another version")
ERROR(CORRUPT, "contents are damaged")
ERROR(FULL, "no room is left")
