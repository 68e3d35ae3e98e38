/*
 * A driver without a device, for JCudaGpuDriverTest: the calls that the binding makes, over malloc. "Device" addresses are
 * host addresses plus 2^40, so that a mixed-up pointer crashes or fails a comparison. Launches run one kernel, written here:
 * out[i] = a * x[i] + i, for grid * block threads.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int CUresult;
#define TO_HOST(p) ((char *)((p) - (1ull << 40)))
static size_t used, limit = 1 << 20;
static int retained, current, lost;
static struct { uint64_t address; size_t bytes; } blocks[64];

CUresult cuInit(unsigned flags) { return 0; }
CUresult cuDriverGetVersion(int *v) { *v = 12040; return 0; }
CUresult cuDeviceGetCount(int *n) { *n = 1; return 0; }
CUresult cuDeviceGet(int *device, int ordinal) { *device = 7; return ordinal == 0 ? 0 : 101; }
CUresult cuDeviceGetName(char *name, int length, int device) { snprintf(name, length, "Stub %d", device); return 0; }
CUresult cuDeviceTotalMem_v2(size_t *bytes, int device) { *bytes = limit; return 0; }
CUresult cuDeviceGetAttribute(int *value, int which, int device) {
  *value = which == 75 ? 8 : which == 76 ? 6 : which == 16 ? 84 : which == 1 ? 1024 : which == 97 ? 101376 : 49152;
  return 0;
}
CUresult cuDevicePrimaryCtxRetain(void **context, int device) { retained++; *context = (void *)0x1234; return 0; }
CUresult cuDevicePrimaryCtxRelease_v2(int device) { retained--; return 0; }
CUresult cuDevicePrimaryCtxRelease(int device) { return cuDevicePrimaryCtxRelease_v2(device); }
CUresult cuCtxSetCurrent(void *context) { current = context == (void *)0x1234; return 0; }
#define NEEDS_CONTEXT if (!current || !retained) return 201; if (lost) return 700
CUresult cuMemGetInfo_v2(size_t *free, size_t *total) { NEEDS_CONTEXT; *free = limit - used; *total = limit; return 0; }
CUresult cuMemAlloc_v2(uint64_t *address, size_t bytes) {
  NEEDS_CONTEXT;
  if (bytes > limit - used) return 2;
  *address = (uint64_t)malloc(bytes) + (1ull << 40);
  for (int i = 0; i < 64; i++) if (!blocks[i].address) { blocks[i].address = *address; blocks[i].bytes = bytes; break; }
  used += bytes;
  return 0;
}
CUresult cuMemFree_v2(uint64_t address) {
  if (!current || !retained) return 201;
  for (int i = 0; i < 64; i++) if (blocks[i].address == address) { used -= blocks[i].bytes; blocks[i].address = 0; free(TO_HOST(address)); return 0; }
  return 1;
}
CUresult cuMemHostAlloc(void **p, size_t bytes, unsigned flags) { NEEDS_CONTEXT; *p = malloc(bytes); return flags == 1 ? 0 : 1; }
CUresult cuMemFreeHost(void *p) { if (!current || !retained) return 201; free(p); return 0; }
CUresult cuMemcpyHtoDAsync_v2(uint64_t to, const void *from, size_t n, void *s) { NEEDS_CONTEXT; memcpy(TO_HOST(to), from, n); return 0; }
CUresult cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t n, void *s) { NEEDS_CONTEXT; memcpy(to, TO_HOST(from), n); return 0; }
CUresult cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t n, void *s) { NEEDS_CONTEXT; memcpy(TO_HOST(to), TO_HOST(from), n); return 0; }
CUresult cuMemsetD8Async(uint64_t to, unsigned char value, size_t n, void *s) { NEEDS_CONTEXT; memset(TO_HOST(to), value, n); return 0; }
CUresult cuModuleLoadDataEx(void **module, const void *image, unsigned n, int *options, void **values) {
  NEEDS_CONTEXT;
  if (!strstr(image, "broken")) { *module = (void *)0x77; return 0; }
  for (unsigned i = 0; i < n; i++) if (options[i] == 5) strcpy(values[i], "ptxas: line 4; broken");
  return 218;
}
CUresult cuModuleUnload(void *module) { return module == (void *)0x77 ? 0 : 1; }
CUresult cuModuleGetFunction(void **f, void *module, const char *name) { *f = strcmp(name, "scale") ? (void *)0x98 : (void *)0x99; return 0; }
CUresult cuFuncGetAttribute(int *value, int which, void *f) { *value = 100 + which; return 0; }
CUresult cuFuncSetAttribute(void *f, int which, int value) { return which == 8 && value <= 101376 ? 0 : 1; }
CUresult cuLaunchKernel(void *f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                        unsigned shared, void *stream, void **parameters, void **extra) {
  NEEDS_CONTEXT;
  if (f == (void *)0x98) { lost = 1; return 700; }
  if (shared > 1000) return 1;
  float *out = (float *)TO_HOST(*(uint64_t *)parameters[0]);
  float *x = (float *)TO_HOST(*(uint64_t *)parameters[1]);
  float a = *(float *)parameters[2];
  int n = *(int *)parameters[3];
  for (int i = 0; i < n && i < (int)(gx * bx); i++) out[i] = a * x[i] + i;
  return 0;
}
CUresult cuCtxSynchronize(void) { NEEDS_CONTEXT; return 0; }
CUresult cuStreamCreate(void **s, unsigned flags) { *s = (void *)0x55; return flags == 1 ? 0 : 1; }
CUresult cuStreamSynchronize(void *s) { return s == (void *)0x55 || !s ? 0 : 1; }
CUresult cuStreamWaitEvent(void *s, void *e, unsigned flags) { return s == (void *)0x55 && e == (void *)0x66 ? 0 : 1; }
CUresult cuStreamDestroy_v2(void *s) { return s == (void *)0x55 ? 0 : 1; }
CUresult cuEventCreate(void **e, unsigned flags) { *e = (void *)0x66; return 0; }
CUresult cuEventRecord(void *e, void *s) { return 0; }
CUresult cuEventSynchronize(void *e) { return 0; }
CUresult cuEventElapsedTime(float *ms, void *a, void *b) { *ms = 1.5f; return a == (void *)0x66 && b == a ? 0 : 1; }
CUresult cuEventDestroy_v2(void *e) { return e == (void *)0x66 ? 0 : 1; }
