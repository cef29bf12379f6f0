
# Debian's own Python: the interpreter is in /usr and the image's configuration does not mention it.
FROM debian AS debian-python
RUN apt-get update && apt-get install -y --no-install-recommends python3 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/ldconfig/* /var/log/*

FROM debian-python AS debian-python-full
RUN apt-get update && apt-get install -y --no-install-recommends build-essential pkg-config python3-dev python3-pip python3-venv \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/ldconfig/* /var/log/*

# As distroless is made: the files of Debian's packages, no script of theirs run, and in place of dpkg's database what each says of itself.
FROM debian AS distroless-cc
WORKDIR /packages
COPY <<"EOT" /usr/local/bin/unpack
set -e
for deb; do
    package=$(dpkg-deb --field "$deb" Package)
    dpkg-deb --fsys-tarfile "$deb" | tar x -C /image --keep-directory-symlink
    dpkg-deb --control "$deb" /tmp/control
    cp /tmp/control/control "/image/var/lib/dpkg/status.d/$package"
    if [ -e /tmp/control/md5sums ]; then cp /tmp/control/md5sums "/image/var/lib/dpkg/status.d/$package.md5sums"; fi
    rm -r /tmp/control "$deb"
done
EOT
RUN apt-get update && apt-get download base-files gcc-14-base libc6 libgcc-s1 libgomp1 libssl3t64 libstdc++6 libzstd1 media-types netbase tzdata zlib1g \
 && mkdir -p /image/usr/bin /image/usr/lib /image/usr/lib64 /image/usr/sbin /image/etc/ssl/certs /image/home/nonroot /image/var/lib/dpkg/status.d \
 && for name in bin lib lib64 sbin; do ln -s "usr/$name" "/image/$name"; done && sh /usr/local/bin/unpack *.deb \
 && cp /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ && chown 65532:65532 /image/home/nonroot && chmod 700 /image/home/nonroot \
 && printf '%s\n' root:x:0:0:root:/root:/sbin/nologin nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin \
    nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin > /image/etc/passwd \
 && printf '%s\n' root:x:0: nobody:x:65534: tty:x:5: staff:x:50: nonroot:x:65532: > /image/etc/group \
 && sed -i 's/^PRETTY_NAME=.*/PRETTY_NAME="Distroless"/' /image/usr/lib/os-release
# The shared libraries of Python's modules. libc-bin has programs as well, of which ldconfig makes the cache that finds libraries.
RUN apt-get download libbz2-1.0 libc-bin libcom-err2 libcrypt1 libdb5.3t64 libexpat1 libffi8 libgssapi-krb5-2 libk5crypto3 libkeyutils1 libkrb5-3 \
    libkrb5support0 liblzma5 libncursesw6 libnsl2 libreadline8t64 libsqlite3-0 libtinfo6 libtirpc3t64 libuuid1 && sh /usr/local/bin/unpack *.deb

FROM distroless-cc AS distroless-debian
RUN apt-get download libpython3.13-minimal libpython3.13-stdlib python3.13-minimal python3.13-venv && sh /usr/local/bin/unpack *.deb \
 && ln -s python3.13 /image/usr/bin/python3 && ln -s python3.13 /image/usr/bin/python && ldconfig -r /image

FROM scratch AS distroless
COPY --from=distroless-debian /image /
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt LANG=C.UTF-8
ENTRYPOINT ["/usr/bin/python3.13"]

# What people make of distroless and of the official image: its Python copied into a root without any.
FROM distroless-cc AS distroless-copy
COPY --from=python:3.13-slim /usr/local /image/usr/local
RUN ldconfig -r /image

FROM scratch AS distroless-copied
COPY --from=distroless-copy /image /
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt LANG=C.UTF-8
ENTRYPOINT ["/usr/local/bin/python3"]

# The files of the slim image, of which the configuration tells nothing but where they are.
FROM scratch AS unsaid
COPY --from=python:3.13-slim / /
ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin
CMD ["python3"]

# A Python in a folder of its own, as uv and pyenv lay it: not where it was configured for, and unknown to the rest of the image.
FROM python:3.13-slim AS moved
RUN mv /usr/local /opt/python && mkdir -p /usr/local/bin /usr/local/lib && rm -f /opt/python/bin/idle* /opt/python/bin/pip* /opt/python/bin/pydoc* \
 && echo /opt/python/lib > /etc/ld.so.conf.d/python.conf && ldconfig

FROM scratch AS opt
COPY --from=moved / /
ENV PATH=/opt/python/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
CMD ["python3"]

# The free-threaded CPython, of which there are no official images, in place of theirs.
FROM source AS cpython-free-threaded
RUN cd /src/Python-* \
 && ./configure -q --disable-gil --enable-loadable-sqlite-extensions --enable-option-checking=fatal --enable-shared --with-ensurepip --disable-test-modules \
    CFLAGS=-O1 LDFLAGS=-Wl,--strip-all \
 && nice make -s -j2 && rm python && make -s LDFLAGS="-Wl,--strip-all -Wl,-rpath='\$\$ORIGIN/../lib'" python && make -s install DESTDIR=/install > /dev/null
RUN cd /install/usr/local && find . -depth \( -type d \( -name __pycache__ -o -name test -o -name tests -o -name idle_test \) -o -name 'libpython*.a' \) -exec rm -rf {} + \
 && for name in idle pip pydoc python python-config; do ln -s "$(echo "$name" | sed 's/^[a-z]*/&3/')" "bin/$name"; done

FROM python:3.13-slim AS free-threaded-slim
ARG FULL
ENV PYTHON_VERSION=${FULL}
RUN find /usr/local -mindepth 1 -delete
COPY --from=cpython-free-threaded /install/ /
RUN ldconfig && export PYTHONDONTWRITEBYTECODE=1 && python -c 'import sys; assert not sys._is_gil_enabled()' && python3.13t -V | grep -Fx "Python ${FULL}" && pip --version

FROM python:3.13 AS free-threaded
ARG FULL
ENV PYTHON_VERSION=${FULL}
RUN find /usr/local -mindepth 1 -delete
COPY --from=cpython-free-threaded /install/ /
RUN ldconfig
