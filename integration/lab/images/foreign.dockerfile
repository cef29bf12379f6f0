
# The slim and the full image for arm64, made on another machine without running a program of arm64: Debian's packages for it, as dpkg leaves
# them, on what their scripts wrote in the image of this machine, which is of no architecture. Its CPython is the one that Debian built of the same
# source, moved to where the official images have theirs. The full one has a C compiler and no more.
FROM --platform=$BUILDPLATFORM python:3.13-slim AS given
FROM given AS foreign
COPY <<"EOT" /etc/apt/apt.conf.d/foreign
APT::Architecture "arm64";
APT::Architectures "arm64";
APT::Install-Recommends "false";
EOT
# unpack: the packages of the working directory into /image and its database, as dpkg does it
COPY <<"EOT" /usr/local/bin/unpack
set -e
info=/image/var/lib/dpkg/info status=/image/var/lib/dpkg/status
for deb in *.deb; do
    name=$(dpkg-deb --field "$deb" Package)
    [ "$(dpkg-deb --field "$deb" Multi-Arch)" != same ] || name=$name:arm64
    dpkg-deb --fsys-tarfile "$deb" | tar x -C /image --keep-directory-symlink
    dpkg-deb --fsys-tarfile "$deb" | tar t --quoting-style=literal | sed 's|^\.||; s|/$||; s|^$|/.|' > "$info/$name.list"
    dpkg-deb --control "$deb" control
    sed '/^Package: /a Status: install ok installed' control/control >> $status
    if [ -e control/conffiles ]; then
        echo Conffiles: >> $status
        grep ^/ control/conffiles | while read -r file; do echo " $file $(md5sum < "/image$file" | cut -d' ' -f1)" >> $status; done
    fi
    echo >> $status
    rm control/control
    for file in control/*; do [ ! -e "$file" ] || mv "$file" "$info/$name.${file#control/}"; done
    rm -r control "$deb"
done
EOT
RUN apt-get update && mkdir -p /packages/partial /python
WORKDIR /python
RUN apt-get download libpython3.13-dev libpython3.13-minimal libpython3.13-stdlib python3.13-minimal

FROM foreign AS foreign-system
WORKDIR /packages
RUN apt-get install -y --download-only -o Dir::State::status=/dev/null -o Dir::Cache::archives=/packages libexpat1 $(dpkg-query -W -f '${Package}\n')
RUN --mount=from=given,target=/given cp -a /given /image && cd /image && rm -r usr/local etc/ld.so.cache var/lib/dpkg/info/* var/lib/dpkg/status* \
 && sort -u /given/var/lib/dpkg/info/*.list | while read -r file; do if [ -L ".$file" ] || [ -f ".$file" ]; then rm ".$file"; fi; done \
 && mkdir usr/local && echo arm64 | tee var/lib/dpkg/arch > var/lib/dpkg/arch-native && echo 1 > var/lib/dpkg/info/format && rm /packages/lock && rmdir /packages/partial && cd /packages && sh /usr/local/bin/unpack

FROM foreign-system AS foreign-slim
WORKDIR /image/usr/local
RUN mkdir bin lib && for deb in /python/*minimal*.deb /python/*stdlib*.deb; do dpkg-deb --extract "$deb" /unpacked; done \
 && mv /unpacked/usr/bin/python3.13 bin/ && mv /unpacked/usr/lib/python3.13 lib/ && rm lib/python3.13/EXTERNALLY-MANAGED lib/python3.13/sitecustomize.py \
 && ln -s python3.13 bin/python3 && ln -s python3 bin/python && mkdir lib/python3.13/site-packages && ln -s site-packages lib/python3.13/dist-packages
RUN --mount=from=given,target=/given cp -a /given/usr/local/lib/python3.13/site-packages/pip* lib/python3.13/site-packages/

FROM foreign-slim AS foreign-full
WORKDIR /packages
RUN mkdir partial && apt-get install -y --download-only -o Dir::State::status=/image/var/lib/dpkg/status -o Dir::Cache::archives=/packages gcc libc6-dev \
 && rm lock && rmdir partial && sh /usr/local/bin/unpack && ln -s gcc /image/usr/bin/cc && dpkg-deb --extract /python/libpython3.13-dev*.deb /unpacked \
 && cp -a /unpacked/usr/include /image/usr/local/ && mv /image/usr/local/include/aarch64-linux-gnu/python3.13 /image/usr/include/aarch64-linux-gnu/

FROM scratch AS arm64-slim
ARG FULL
ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin PYTHON_VERSION=${FULL}
COPY --from=foreign-slim /image /
CMD ["python3"]

FROM scratch AS arm64-full
ARG FULL
ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin PYTHON_VERSION=${FULL}
COPY --from=foreign-full /image /
CMD ["python3"]
