// The watcher: what the Go runtime cannot say for itself.
//
// Where the system gives no thread, no memory or no file descriptor, the Go runtime prints a trace and ends with exit 2,
// which schedulers read as "the command line is wrong". So the process that was started forks before the runtime begins
// and stays behind as a watcher: the program runs in the child, and the watcher hands signals down and the exit status
// up. A child that ended without saying so is told in a sentence, with exit 3.
//
// The child is in a process group of its own. Schedulers signal a whole group, and a terminal does: both processes would
// hear it, and the child, told once more by the watcher, would take that for a second and more urgent signal.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

// shared is a page that both processes see.
struct shared {
	// told is 1 once the program ends by its own decision: its status then says all.
	volatile int told;
};

static struct shared *shared;

// standard_error is where the user reads. Descriptor 2 of the child is a file in memory that takes what the runtime writes
// when it crashes; it is 2 where there is no watcher.
static int standard_error = 2;

int watcher_standard_error(void) { return standard_error; }

void watcher_told(void) {
	if (shared != NULL)
		shared->told = 1;
}

static void say(const char *text) {
	size_t left = strlen(text);
	while (left > 0) {
		ssize_t n = write(2, text, left);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		text += n;
		left -= (size_t)n;
	}
}

static void refuse(const char *sentence) {
	say(sentence);
	_exit(3);
}

// cause is a word that the runtime or the C library writes, and what it means to whoever set the limit.
struct cause {
	const char *word;
	const char *sentence;
};

static const struct cause causes[] = {
	{"pthread_create", "featureaudit: the system gave it no further thread: raise the limit of processes (pids, ulimit -u) or lower --threads; the run ended without a report\n"},
	{"failed to create new OS thread", "featureaudit: the system gave it no further thread: raise the limit of processes (pids, ulimit -u) or lower --threads; the run ended without a report\n"},
	{"too many open files", "featureaudit: the system gave it no further open file: raise ulimit -n; the run ended without a report\n"},
	{"netpollinit", "featureaudit: the system gave it no further open file: raise ulimit -n; the run ended without a report\n"},
	{"eventfd", "featureaudit: the system gave it no further open file: raise ulimit -n; the run ended without a report\n"},
	{"epoll", "featureaudit: the system gave it no further open file: raise ulimit -n; the run ended without a report\n"},
	{"memory", "featureaudit: the system gave it no further memory: raise its limit (ulimit -v, the container's) or lower --memory-limit; the run ended without a report\n"},
	{"bad_alloc", "featureaudit: the system gave it no further memory: raise its limit (ulimit -v, the container's) or lower --memory-limit; the run ended without a report\n"},
};

// crash tells why a child ended that did not say so, and ends the watcher.
static void crash(int text) {
	static char seen[1 << 16];
	ssize_t n = text < 0 ? 0 : pread(text, seen, sizeof seen - 1, 0);
	seen[n > 0 ? n : 0] = 0;
	// a panic is a fault of the program, though Go calls a nil pointer an "invalid memory address"
	size_t known = strncmp(seen, "panic: ", 7) == 0 ? 0 : sizeof causes / sizeof *causes;
	for (size_t i = 0; i < known; i++)
		// what the runtime says of itself comes first; a trace further down may hold any word
		if (memmem(seen, strnlen(seen, 400), causes[i].word, strlen(causes[i].word)) != NULL)
			refuse(causes[i].sentence);
	struct rlimit space;
	// a library that gets no memory may follow a null pointer
	if (memmem(seen, strnlen(seen, 400), "SIGSEGV", 7) != NULL && memmem(seen, strnlen(seen, 400), "during cgo execution", 20) != NULL
	    && getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur != RLIM_INFINITY)
		refuse("featureaudit: a library failed where the address space is limited, most likely for want of memory: raise the limit (ulimit -v); the run ended without a report\n");
	if (seen[0] == 0)
		refuse("featureaudit: the system ended it before it could begin, most likely for want of memory or threads: raise its limits; the run ended without a report\n");
	say(seen);
	refuse("featureaudit: this is a fault of the program; please report it with the text above; the run ended without a report\n");
}

// end gives the status of the child as the watcher's own.
static void end(int status, int text) {
	if (WIFEXITED(status) && (shared->told || WEXITSTATUS(status) != 2))
		_exit(WEXITSTATUS(status));
	if (WIFSIGNALED(status)) {
		int number = WTERMSIG(status);
		if (number == SIGKILL)
			say("featureaudit: it was killed, by hand or because memory ran out (then lower --memory-limit, or raise the container's limit); the run ended without a report\n");
		if (number == SIGKILL || number == SIGTERM || number == SIGINT || number == SIGHUP) {
			sigset_t all;
			sigfillset(&all);
			signal(number, SIG_DFL);
			sigprocmask(SIG_UNBLOCK, &all, NULL);
			raise(number);
		}
	}
	crash(text);
}

static void watch(pid_t child, const sigset_t *heard, int text) {
	for (;;) {
		int status, number = sigwaitinfo(heard, NULL);
		if (number == SIGTSTP) {
			// a terminal stops the group that it sees: the child is in another one
			kill(child, SIGSTOP);
			raise(SIGSTOP);
			kill(child, SIGCONT);
		} else if (number > 0 && number != SIGCHLD) {
			kill(child, number);
		}
		if (waitpid(child, &status, WNOHANG) == child)
			end(status, text);
	}
}

static int tested(void) {
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	if (n < 5)
		return 0;
	return memcmp(self + n - 5, ".test", 5) == 0;
}

// begin runs before the Go runtime and before the engine's own start. A test binary is not split: its framework crashes in
// its own way.
__attribute__((constructor(101))) static void begin(void) {
	if (tested())
		return;
	void *page = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		refuse("featureaudit: the system gave it no memory to start with: raise its limit (ulimit -v, the container's)\n");
	shared = page;
	int text = memfd_create("featureaudit-crash", MFD_CLOEXEC);

	static const int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGTSTP, SIGCHLD};
	sigset_t heard, before;
	sigemptyset(&heard);
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		sigaddset(&heard, signals[i]);
	sigprocmask(SIG_BLOCK, &heard, &before);

	pid_t watcher = getpid(), child = fork();
	if (child < 0)
		refuse("featureaudit: the system gave it no process to run in: raise the limit of processes (pids, ulimit -u)\n");
	if (child > 0) {
		signal(SIGPIPE, SIG_IGN);
		watch(child, &heard, text);
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != watcher)
		_exit(137);
	setpgid(0, 0);
	// in the background of a terminal a write could stop the program, and a read must fail rather than wait for ever
	signal(SIGTTOU, SIG_IGN);
	signal(SIGTTIN, SIG_IGN);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (text < 0)
		return;
	int kept = fcntl(2, F_DUPFD_CLOEXEC, 3);
	if (kept < 0)
		return;
	standard_error = kept;
	dup2(text, 2);
}
