/* SPDX-License-Identifier: BSD-2-Clause */
#include "proc/panic.h"

#include <execinfo.h>
#include <signal.h>
#include <unistd.h>

#include "base/check.h"
#include "base/str.h"
#include "shm/slots.h"

enum { FRAMES = 48, STACK_BYTES = 64 * 1024, TEXT_BYTES = 8192, SUBJECT_BYTES = 2048 };

/* Where the program was loaded, so that addresses mean something to addr2line. */
extern const char __executable_start[];

static struct {
	struct slot *slot;
	unsigned number;
	panic_subject_fn *subject;
	void *arg;
	volatile sig_atomic_t told; /* the first report counts */
} panic;

static char text[TEXT_BYTES];
static size_t used;

static void put(const char *s)
{
	while (*s && used < sizeof(text))
		text[used++] = *s++;
}

static void put_number(uint64_t v, unsigned base)
{
	char digits[24];
	size_t n = 0;

	do {
		digits[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	while (n && used < sizeof(text))
		text[used++] = digits[--n];
}

static void put_head(void)
{
	used = 0;
	put("tiercel " PACKAGE_VERSION ", worker ");
	put_number(panic.number, 10);
	put(", pid ");
	put_number((uint64_t)getpid(), 10);
	put("\n");
}

/* Return addresses, as offsets into the program: for addr2line -e tiercel. */
static void put_frames(void)
{
	void *frames[FRAMES];
	int n = backtrace(frames, FRAMES);
	uintptr_t start = (uintptr_t)__executable_start;

	put("backtrace (program loaded at 0x");
	put_number(start, 16);
	put("):");
	for (int i = 0; i < n; i++) {
		uintptr_t at = (uintptr_t)frames[i];

		put(i % 8 == 0 ? "\n " : "");
		if (at >= start && at - start < (uintptr_t)1 << 28) {
			put(" +0x");
			put_number(at - start, 16);
		} else {
			put(" 0x");
			put_number(at, 16);
		}
	}
	put("\n");
}

static void put_subject(void)
{
	char what[SUBJECT_BYTES];
	size_t n;

	if (!panic.subject)
		return;
	n = MIN(panic.subject(panic.arg, what, sizeof(what) - 1), sizeof(what) - 1);
	what[n] = '\0';
	if (n) {
		put("while: ");
		put(what);
		put("\n");
	}
}

/* Frames first: finding out about the request may fail, and what is written stays. */
static void publish(void)
{
	put_frames();
	slot_report_write(panic.slot, SLOT_REPORT_PANIC, 0, text, used);
	put_subject();
	slot_report_write(panic.slot, SLOT_REPORT_PANIC, 0, text, used);
}

static void on_check(const char *file, int line, const char *func, const char *what)
{
	if (panic.told)
		return;
	panic.told = 1;
	put_head();
	put("assertion failed: ");
	put(what);
	put(" (");
	put(file);
	put(":");
	put_number((uint64_t)line, 10);
	put(", ");
	put(func);
	put(")\n");
	publish();
}

static const char *signal_name(int signo)
{
	switch (signo) {
	case SIGSEGV:
		return "SIGSEGV";
	case SIGBUS:
		return "SIGBUS";
	case SIGFPE:
		return "SIGFPE";
	case SIGILL:
		return "SIGILL";
	default:
		return "SIGABRT";
	}
}

/* The action is back to its default when this runs (SA_RESETHAND): raising it again ends us. */
static void on_fatal(int signo, siginfo_t *info, void *context)
{
	(void)context;
	if (!panic.told) {
		panic.told = 1;
		put_head();
		put(signal_name(signo));
		if (info->si_code <= 0) {
			put(" sent by pid ");
			put_number((uint64_t)info->si_pid, 10);
		} else {
			put(" at address 0x");
			put_number((uintptr_t)info->si_addr, 16);
		}
		put("\n");
		publish();
	}
	raise(signo);
}

void panic_init(struct slot *slot, unsigned slot_number, panic_subject_fn *subject, void *arg)
{
	/* a sanitizer's own report says more about bad addresses than ours */
#ifdef __SANITIZE_ADDRESS__
	static const int fatal[] = {SIGABRT};
#else
	static const int fatal[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
#endif
	struct sigaction action = {.sa_sigaction = on_fatal,
				   .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND | SA_NODEFER};
	/* a stack of their own: the fault may be that the other one is full */
	static _Alignas(16) char space[STACK_BYTES];
	stack_t stack = {.ss_sp = space, .ss_size = sizeof(space)};
	void *frame;

	panic.slot = slot;
	panic.number = slot_number;
	panic.subject = subject;
	panic.arg = arg;
	check_set_hook(on_check);
	(void)backtrace(&frame, 1); /* the first call loads a library, which a handler must not */
	(void)sigaltstack(&stack, NULL);
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < COUNTOF(fatal); i++)
		(void)sigaction(fatal[i], &action, NULL);
}
