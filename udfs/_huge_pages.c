/* Python's arenas (1 MiB each, what small objects live in) out of regions that Linux may back with huge pages.

   PyObjectArenaAllocator: https://docs.python.org/3/c-api/memory.html#customize-memory-allocators
   MADV_HUGEPAGE: https://docs.kernel.org/admin-guide/mm/transhuge.html */

#define _GNU_SOURCE
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <sys/mman.h>

#define ARENA_BYTES ((size_t)1 << 20)
#define HUGE_PAGE_BYTES ((size_t)2 << 20)
#define REGION_BYTES ((size_t)64 << 20) /* address space, not memory: a page counts once it is touched */

static char *region_next, *region_end;
static int installed;

/* Arenas that Python gave back are used again first. The memory of all but a few is the system's again meanwhile. */
#define MOST_RETURNED 1024
#define MOST_KEPT 16
static void *returned[MOST_RETURNED];
static size_t returned_count;

static int
open_region(void)
{
    size_t length = REGION_BYTES + HUGE_PAGE_BYTES;
    char *start = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED) {
        return 0;
    }
    char *aligned = (char *)(((uintptr_t)start + HUGE_PAGE_BYTES - 1) & ~(uintptr_t)(HUGE_PAGE_BYTES - 1));
    (void)madvise(aligned, REGION_BYTES, MADV_HUGEPAGE); /* without it the pages are small: slower, else the same */
    region_next = aligned;
    region_end = aligned + REGION_BYTES;
    return 1;
}

static void *
alloc_arena(void *Py_UNUSED(context), size_t size)
{
    if (size != ARENA_BYTES) {
        void *other = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        return other == MAP_FAILED ? NULL : other;
    }
    if (returned_count > 0) {
        return returned[--returned_count];
    }
    if (region_next == region_end && !open_region()) {
        return NULL;
    }
    char *arena = region_next;
    region_next += ARENA_BYTES;
    return arena;
}

/* Also called for arenas that the allocator before this one mapped. */
static void
free_arena(void *Py_UNUSED(context), void *arena, size_t size)
{
    if (size != ARENA_BYTES || returned_count == MOST_RETURNED) {
        (void)munmap(arena, size);
        return;
    }
    if (returned_count >= MOST_KEPT) {
        (void)madvise(arena, size, MADV_DONTNEED);
    }
    returned[returned_count++] = arena;
}

PyDoc_STRVAR(install_doc, "install() -> None\n\nFrom now on; again changes nothing.");

static PyObject *
install(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused))
{
    if (!installed) {
        PyObjectArenaAllocator allocator = {NULL, alloc_arena, free_arena};
        PyObject_SetArenaAllocator(&allocator);
        installed = 1;
    }
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"install", install, METH_NOARGS, install_doc}, {NULL, NULL, 0, NULL}};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "udfs._huge_pages", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC
PyInit__huge_pages(void)
{
    return PyModule_Create(&definition);
}
