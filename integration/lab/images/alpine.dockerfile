
# A musl root with CPython, as far as Debian's packages and sources carry it. Libraries are shared and have the names that Alpine's have.
FROM source AS musl
RUN apt-get install -y --no-install-recommends autoconf automake busybox-static libltdl-dev libtool musl-dev musl-tools patchelf perl \
 && cd /src && for name in bzip2 libffi openssl xz-utils zlib; do \
    for version in $(apt-cache madison "$name" | awk '$NF == "Sources" { print $3 }'); do apt-get source --download-only --tar-only "$name=$version" && break; done; \
    mkdir "$name" && tar xf "$name"_*.orig.tar.?z* -C "$name" --strip-components 1 || exit 1; done
# A compiler like Alpine's: programs need libc.musl-x86_64.so.1, the headers of the kernel are there, and it tells no multiarch name.
RUN libc=/usr/lib/x86_64-linux-musl/libc.so && rm /usr/lib/ld-musl-x86_64.so.1 && cp $libc /usr/lib/ld-musl-x86_64.so.1 && patchelf --set-soname libc.musl-x86_64.so.1 $libc \
 && ln -s ../linux ../asm-generic ../x86_64-linux-gnu/asm /usr/include/x86_64-linux-musl/ && echo /musl/usr/lib >> /etc/ld-musl-x86_64.path \
 && printf '%s\n' '#!/bin/sh' 'case "$*" in *-print-multiarch*) exit ;; esac' \
    'exec musl-gcc -isystem /usr/include/x86_64-linux-musl -idirafter /musl/usr/include "$@" -L/musl/usr/lib' > /usr/local/bin/cc && chmod +x /usr/local/bin/cc
ENV CC=/usr/local/bin/cc PKG_CONFIG_LIBDIR=/musl/usr/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=/musl

FROM musl AS musl-openssl
# Static first, because for a shared library OpenSSL compiles everything twice.
RUN cd /src/openssl && ./Configure -O1 linux-x86_64 no-shared no-tests no-docs no-apps no-module no-engine no-legacy no-quic no-dtls no-srp no-srtp no-ct no-cms no-cmp \
    no-ts no-argon2 no-aria no-async no-bf no-camellia no-cast no-comp no-dsa no-ec2m no-gost no-idea no-md4 no-mdc2 no-ml-dsa no-ocb no-psk no-rc2 no-rc4 no-rfc3779 \
    no-rmd160 no-scrypt no-seed no-siphash no-siv no-slh-dsa no-sm2 no-sm3 no-sm4 no-ui-console no-whirlpool --prefix=/usr --libdir=lib --openssldir=/etc/ssl > /dev/null \
 && nice make -s -j2 build_libs > /dev/null && make -s install_dev DESTDIR=/musl > /dev/null && cd /musl/usr/lib \
 && cc -shared -o libcrypto.so.3 -Wl,-soname,libcrypto.so.3,-Bsymbolic -Wl,--whole-archive libcrypto.a -Wl,--no-whole-archive && ln -s libcrypto.so.3 libcrypto.so \
 && cc -shared -o libssl.so.3 -Wl,-soname,libssl.so.3,-Bsymbolic -Wl,--whole-archive libssl.a -Wl,--no-whole-archive libcrypto.so && ln -s libssl.so.3 libssl.so && rm -- *.a

FROM musl AS musl-libraries
RUN cd /src/zlib && ./configure --prefix=/usr > /dev/null && make -s -j2 && make -s install DESTDIR=/musl \
 && cd ../bzip2 && make -s -f Makefile-libbz2_so CC="$CC" 2> /dev/null && cp bzlib.h /musl/usr/include/ && cp libbz2.so.1.0.8 /musl/usr/lib/ \
 && ln -s libbz2.so.1.0.8 /musl/usr/lib/libbz2.so.1 && ln -s libbz2.so.1.0.8 /musl/usr/lib/libbz2.so.1.0 && ln -s libbz2.so.1 /musl/usr/lib/libbz2.so
RUN cd /src/libffi && { test -x configure || autoreconf -i 2> /dev/null; } \
 && ./configure -q --build=x86_64-linux-musl --prefix=/usr --disable-static --disable-builddir --disable-docs --disable-multi-os-directory \
 && make -s -j2 && make -s install DESTDIR=/musl

FROM musl AS musl-cpython
COPY --from=musl-openssl /musl /musl
COPY --from=musl-libraries /musl /musl
RUN cd /src/Python-* \
 && ./configure -q --build=x86_64-linux-musl --enable-option-checking=fatal --enable-shared --with-ensurepip --disable-test-modules CFLAGS=-O1 LDFLAGS=-Wl,--strip-all \
 && nice make -s -j2 && rm python && make -s LDFLAGS="-Wl,--strip-all -Wl,-rpath='\$\$ORIGIN/../lib'" python && make -s install DESTDIR=/install > /dev/null
RUN cd /install/usr/local && find . -depth \( -type d \( -name __pycache__ -o -name test -o -name tests -o -name idle_test \) -o -name 'libpython*.a' \) -exec rm -rf {} + \
 && for name in idle pip pydoc python python-config; do ln -s "$(echo "$name" | sed 's/^[a-z]*/&3/')" "bin/$name"; done

# Alpine's tree, with Debian's busybox. A library's file is what Alpine's package of that name has.
FROM musl-cpython AS musl-root
WORKDIR /image
RUN mkdir -p bin dev etc/apk etc/ssl/certs home lib/apk/db media mnt opt proc root run sbin srv sys tmp usr/bin usr/lib usr/local usr/sbin var/cache/apk var/log var/tmp \
 && chmod 700 root && chmod 1777 tmp var/tmp && ln -s /run var/run \
 && cp /usr/lib/ld-musl-x86_64.so.1 lib/ && ln -s ld-musl-x86_64.so.1 lib/libc.musl-x86_64.so.1 && ln -s ../../lib/ld-musl-x86_64.so.1 usr/bin/ldd \
 && cp /usr/bin/busybox bin/ && for applet in $(busybox --list-full | grep -vE 'dpkg|rpm|linuxrc'); do test "$applet" = bin/busybox || ln -s /bin/busybox "$applet" || exit 1; done \
 && cp -P /musl/usr/lib/*.so.[0-9]* usr/lib/ && cp /etc/ssl/certs/ca-certificates.crt etc/ssl/certs/ && ln -s certs/ca-certificates.crt etc/ssl/cert.pem \
 && printf '%s\n' root:x:0:0:root:/root:/bin/sh nobody:x:65534:65534:nobody:/:/sbin/nologin > etc/passwd \
 && printf '%s\n' root:x:0:root tty:x:5: nogroup:x:65533: nobody:x:65534: > etc/group && printf '/bin/sh\n/bin/ash\n' > etc/shells \
 && printf '%s\n' 'NAME="Alpine Linux"' ID=alpine VERSION_ID=3.22.0 'PRETTY_NAME="Alpine Linux v3.22"' > usr/lib/os-release && ln -s ../usr/lib/os-release etc/os-release \
 && echo 3.22.0 > etc/alpine-release && echo x86_64 > etc/apk/arch && printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n' > etc/pip.conf
# apk's database: what each package owns and provides, with checksums. The checksum of a package is one of its name and version here.
RUN <<"EOT"
#!/install/usr/local/bin/python3
import base64, hashlib, os, re, stat

def checksum(data):
    return "Q1" + base64.b64encode(hashlib.sha1(data).digest()).decode()

def version(path, pattern):
    return re.search(pattern, open(path).read())[1]

openssl = version("/musl/usr/lib/pkgconfig/openssl.pc", r"Version: (\S+)") + "-r0"
packages = {
    "alpine-release": ("3.22.0-r0", r"etc/(alpine-release|os-release)|usr/lib/os-release"),
    "busybox": ("1.37.0-r18", r"bin/busybox"),
    "busybox-binsh": ("1.37.0-r18", r"bin/sh"),
    "ca-certificates": ("20241121-r2", r"etc/ssl/.*"),
    "libbz2": ("1.0.8-r6", r"usr/lib/libbz2\..*"),
    "libcrypto3": (openssl, r"usr/lib/libcrypto\..*"),
    "libffi": (version("/musl/usr/lib/pkgconfig/libffi.pc", r"Version: (\S+)") + "-r0", r"usr/lib/libffi\..*"),
    "libssl3": (openssl, r"usr/lib/libssl\..*"),
    "musl": ("1.2.5-r10", r"lib/(ld-musl|libc\.musl).*|usr/bin/ldd"),
    "zlib": (version("/musl/usr/lib/pkgconfig/zlib.pc", r"Version: (\S+)") + "-r0", r"usr/lib/libz\..*"),
}
files = sorted(os.path.relpath(os.path.join(top, f), "/image") for top, _, names in os.walk("/image") for f in names)
with open("/image/lib/apk/db/installed", "w") as db:
    for name, (release, pattern) in sorted(packages.items()):
        own = [f for f in files if re.fullmatch(pattern, f)]
        size = sum(os.lstat(f).st_size for f in own)
        provided = [f"so:{os.path.basename(f)}={release.split('-')[0]}" for f in own if re.fullmatch(r"(usr/)?lib/.*\.so\.\d+", f) and not f.startswith("lib/ld-")]
        print(f"C:{checksum((name + release).encode())}\nP:{name}\nV:{release}\nA:x86_64\nS:{size}\nI:{size}\nT:{name}\nL:unknown\no:{name}\nt:315532800", file=db)
        if name != "musl" and provided:
            print("D:so:libc.musl-x86_64.so.1", file=db)
        if provided:
            print("p:" + " ".join(provided), file=db)
        folder = None
        for f in own:
            if os.path.dirname(f) != folder:
                folder = os.path.dirname(f)
                print("F:" + folder, file=db)
            link = os.path.islink(f)
            mode = stat.S_IMODE(os.lstat(f).st_mode)
            print("R:" + os.path.basename(f), file=db)
            if mode != 0o644:
                print(f"a:0:0:{mode:o}", file=db)
            print("Z:" + checksum(os.readlink(f).encode() if link else open(f, "rb").read()), file=db)
        print(file=db)
open("/image/etc/apk/world", "w").write("\n".join(sorted(packages)) + "\n")
EOT

FROM scratch AS alpine
ARG FULL
ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin PYTHON_VERSION=${FULL}
COPY --from=musl-root /image /
COPY --from=musl-cpython /install/ /
RUN export PYTHONDONTWRITEBYTECODE=1 && test "$(python3 -V)" = "Python ${FULL}" && pip --version && python -c 'import bz2, ctypes, ssl, uuid, zlib'
CMD ["python3"]
