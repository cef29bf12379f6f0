# Stand-ins for the official Debian and Python images, for machines where docker.io does not answer. They have the same shape: CPython in
# /usr/local on a slim Debian, no bytecode, no tests. The context has rootfs.tar, made by mmdebstrap, and the CA bundle of the host, with
# which builds reach package indexes through a proxy that the host trusts.

FROM scratch AS debian
ADD rootfs.tar /
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
CMD ["bash"]

# The source is Debian's own, so that nothing but Debian's packages is needed.
FROM debian AS source
ARG PYTHON
RUN apt-get update && apt-get install -y --no-install-recommends dpkg-dev make gcc libc6-dev pkg-config xz-utils \
    libbluetooth-dev libbz2-dev libdb-dev libexpat1-dev libffi-dev libgdbm-dev liblzma-dev libncursesw5-dev libreadline-dev libsqlite3-dev \
    libssl-dev uuid-dev zlib1g-dev
RUN sed -n 's/^deb /deb-src /p' /etc/apt/sources.list > /etc/apt/sources.list.d/source.list && apt-get update \
 && mkdir /src && cd /src && apt-get source --download-only --tar-only "python${PYTHON}" \
 && tar xf "python${PYTHON}"_*.orig.tar.* && cd Python-* && pwd | sed 's/.*Python-//' > /version

FROM scratch AS version
COPY --from=source /version /

FROM source AS cpython
RUN cd /src/Python-* \
 && ./configure -q --enable-loadable-sqlite-extensions --enable-option-checking=fatal --enable-shared --with-ensurepip LDFLAGS=-Wl,--strip-all \
 && make -s -j "$(nproc)" && make -s install DESTDIR=/install
RUN cd /install/usr/local \
 && find . -depth \( -type d \( -name __pycache__ -o -name test -o -name tests -o -name idle_test \) -o -name 'libpython*.a' \) -exec rm -rf {} + \
 && for name in idle pip pydoc python python-config; do ln -s "$(echo "$name" | sed 's/^[a-z]*/&3/')" "bin/$name"; done
# The Debian packages that own the shared objects which the interpreter and its modules are linked to.
RUN find /install/usr/local -type f -perm /u+x -exec ldd {} + 2>/dev/null | awk '$2 == "=>" && $3 ~ /^\// { print $3 }' | sort -u \
  | xargs readlink -f | grep -v ^/install | sed 's|^/usr||; s|^|*|' | xargs dpkg-query --search | grep -v '^diversion' | cut -d: -f1 | sort -u > /libraries \
 && test -s /libraries

FROM debian AS slim
ARG FULL
ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin PYTHON_VERSION=${FULL}
RUN --mount=from=cpython,source=/libraries,target=/tmp/libraries \
    apt-get update && xargs apt-get install -y --no-install-recommends < /tmp/libraries \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/ldconfig/* /var/log/*
COPY --from=cpython /install/ /
RUN ldconfig && printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n' > /etc/pip.conf \
 && export PYTHONDONTWRITEBYTECODE=1 && test "$(python3 -V)" = "Python ${FULL}" && pip --version \
 && python -c 'import bz2, ctypes, curses, lzma, readline, sqlite3, ssl, uuid, zlib'
CMD ["python3"]

FROM slim AS full
RUN apt-get update && apt-get install -y --no-install-recommends build-essential curl git pkg-config wget xz-utils \
    default-libmysqlclient-dev libbz2-dev libcurl4-openssl-dev libffi-dev libjpeg-dev liblzma-dev libncurses-dev libpq-dev libreadline-dev \
    libsqlite3-dev libssl-dev libxml2-dev libxslt1-dev libyaml-dev zlib1g-dev \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/*
