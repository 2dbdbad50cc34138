/*
 * Loaded before a redis-server: after each sync of an append-only file, how long the file had been when the sync began stands beside it, in
 * <file>.synced. What lies behind that is what a loss of power may take.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int noted(int fd, const char *name) {
  int (*sync)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  struct stat before;
  int known = fstat(fd, &before) == 0 && S_ISREG(before.st_mode);
  int result = sync(fd);
  if (result != 0 || !known) return result;
  char link[64], path[4096], text[32];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 8);
  if (length < 9) return result;
  path[length] = 0;
  if (strcmp(path + length - 9, ".incr.aof") != 0) return result;
  strcpy(path + length, ".synced");
  int beside = open(path, O_CREAT | O_WRONLY, 0600);
  if (beside < 0) return result;
  int digits = snprintf(text, sizeof text, "%020lld", (long long)before.st_size);
  if (pwrite(beside, text, digits, 0) != digits) unlink(path);
  close(beside);
  return result;
}

int fdatasync(int fd) { return noted(fd, "fdatasync"); }
int fsync(int fd) { return noted(fd, "fsync"); }
