/*
 * Makes fsync and fdatasync slow or failing, for a process that has this library preloaded. What to do is in a file of four
 * 32-bit words that SYNC_FAULTS names, mapped and shared with whoever controls it:
 *   0  whether syncs fail with EIO    1  milliseconds before each    2  how many have failed    3  how many there were
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { FAILS, DELAY_MS, FAILED, CALLED, WORDS };

static volatile int32_t *control;

__attribute__((constructor)) static void map_control(void) {
  const char *path = getenv("SYNC_FAULTS");
  if (path == NULL) return;
  int fd = open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void *mapped = mmap(NULL, WORDS * sizeof(int32_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (mapped != MAP_FAILED) control = mapped;
}

static int faulty_sync(const char *name, int fd) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  if (control != NULL) {
    __sync_fetch_and_add(&control[CALLED], 1);
    int32_t delay_ms = control[DELAY_MS];
    struct timespec delay = {delay_ms / 1000, (delay_ms % 1000) * 1000000L};
    while (delay_ms > 0 && nanosleep(&delay, &delay) != 0 && errno == EINTR) continue;
    if (control[FAILS]) {
      __sync_fetch_and_add(&control[FAILED], 1);
      errno = EIO;
      return -1;
    }
  }
  return real(fd);
}

int fsync(int fd) { return faulty_sync("fsync", fd); }

int fdatasync(int fd) { return faulty_sync("fdatasync", fd); }
