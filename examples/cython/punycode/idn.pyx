# cython: language_level=3
"""IDNA 2008 by libidn2."""

from libc.stdint cimport uint8_t


cdef extern from "idn2.h":
    const char *idn2_strerror(int code)
    int idn2_lookup_u8(const uint8_t *name, uint8_t **found, int flags)
    void idn2_free(void *memory)
    int IDN2_NONTRANSITIONAL


def ascii_name(name: str) -> str:
    cdef uint8_t *found = NULL
    encoded = name.encode()
    code = idn2_lookup_u8(<const uint8_t *><const char *>encoded, &found, IDN2_NONTRANSITIONAL)
    if code != 0:
        raise ValueError(f"{name}: {idn2_strerror(code).decode()}")
    try:
        return (<char *>found).decode()
    finally:
        idn2_free(found)
