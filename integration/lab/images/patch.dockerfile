
# Another patch release of the same Python on the same system. It is that of Debian testing; where that is no other one, the source at hand with
# another number. A mirror may be days behind, which apt otherwise takes for an attack; that the archive signed what it has is checked in any case.
FROM source AS next-source
ARG PYTHON
RUN mv /src /given && mkdir /src && cd /src \
 && sed -n 's/^deb \(\[[^]]*\] \)\?\([^ ]*\) .*/deb-src [check-valid-until=no] \2 testing main/p' /etc/apt/sources.list | head -n 1 > /etc/apt/sources.list.d/source.list \
 && { apt-get update && apt-get source --download-only --tar-only "python${PYTHON}" && tar xf "python${PYTHON}"_*.orig.tar.* || true; } \
 && if [ ! -d Python-* ] || [ -d "/given/$(echo Python-*)" ]; then \
      rm -rf Python-* && mv /given/Python-* "Python-${PYTHON}.99" \
      && sed -i -e 's/\(define PY_MICRO_VERSION *\).*/\199/' -e 's/\(define PY_VERSION *"[0-9]*\.[0-9]*\.\).*/\199"/' Python-*/Include/patchlevel.h; \
    fi && echo Python-* | sed 's/.*Python-//' > /version

FROM scratch AS next-version
COPY --from=next-source /version /

FROM next-source AS next-cpython
RUN cd /src/Python-* \
 && ./configure -q --enable-loadable-sqlite-extensions --enable-option-checking=fatal --enable-shared --with-ensurepip --disable-test-modules \
    CFLAGS=-O1 LDFLAGS=-Wl,--strip-all \
 && nice make -s -j2 && make -s install DESTDIR=/install > /dev/null
RUN cd /install/usr/local && find . -depth \( -type d \( -name __pycache__ -o -name test -o -name tests -o -name idle_test \) -o -name 'libpython*.a' \) -exec rm -rf {} + \
 && for name in idle pip pydoc python python-config; do ln -s "$(echo "$name" | sed 's/^[a-z]*/&3/')" "bin/$name"; done

FROM python:3.13-slim AS next
ARG FULL
ENV PYTHON_VERSION=${FULL}
RUN find /usr/local -mindepth 1 -delete
COPY --from=next-cpython /install/ /
RUN ldconfig && export PYTHONDONTWRITEBYTECODE=1 && python3 -V | grep -Fx "Python ${FULL}" && pip --version
