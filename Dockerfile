# The image of the worker. `gradectl image build ENVIRONMENT` builds it; docs/image.md describes it.
ARG BASE=debian:bookworm-slim

# The system: Python, the compilers of the graded languages, and the user of the worker.
FROM ${BASE} AS system
ARG LANGUAGES=minimal
# Any word; a new one installs the packages again, in their current versions.
ARG PACKAGES=
ENV LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
# The base image and its archive determine the versions.
# The compiled standard library must not depend on the times of its files, which the build sets.
# useradd notes the current day in /etc/shadow, unless it is given one.
# $more is a list of names.  A slim image has no folder for the manual pages, to which the JDK makes links.
# hadolint ignore=DL3008,SC2086
RUN set -eu; \
    case "$LANGUAGES" in \
      minimal) more='' ;; \
      full) more='default-jdk-headless golang-go nodejs rustc'; mkdir -p /usr/share/man/man1 ;; \
      *) echo "LANGUAGES must be minimal or full, not $LANGUAGES" >&2; exit 64 ;; \
    esac; \
    apt-get update -q; \
    apt-get install -yq --no-install-recommends ca-certificates g++ gcc libc6-dev libseccomp2 python3-venv $more; \
    python3 -m compileall -q -f --invalidation-mode unchecked-hash /usr/lib/python3*; \
    SOURCE_DATE_EPOCH=86400 useradd --uid 1000 --user-group --no-create-home --home-dir /nonexistent \
      --shell /usr/sbin/nologin grader; \
    mkdir -p /run/secrets; \
    rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/ldconfig/aux-cache /var/cache/debconf/*-old \
      /var/log/* /etc/ssl/certs/java/cacerts /etc/passwd- /etc/group- /etc/shadow- /etc/gshadow- /tmp/*

# The libraries of the worker, in a virtual environment without pip.
FROM system AS libraries
COPY pyproject.toml requirements/constraints.txt /usr/share/grader/
# The secrets are for networks with an index or a certificate authority of their own; no layer has them,
# nor an empty file in their place, as it would outside of /run/secrets.
RUN --mount=type=secret,id=pip.conf --mount=type=secret,id=ca.pem set -eu; \
    [ ! -e /run/secrets/ca.pem ] || export PIP_CERT=/run/secrets/ca.pem; \
    [ ! -e /run/secrets/pip.conf ] || export PIP_CONFIG_FILE=/run/secrets/pip.conf; \
    python3 -m venv --without-pip /opt/grader; \
    python3 -m venv /opt/tools; \
    python3 -c 'import tomllib; project = tomllib.load(open("/usr/share/grader/pyproject.toml", "rb"))["project"]; \
extras = project["optional-dependencies"]; \
print(*project["dependencies"], *extras["worker"], *extras["api"][1:], sep="\n")' > /opt/tools/requirements.txt; \
    /opt/tools/bin/pip --python /opt/grader/bin/python install -q --no-cache-dir --no-compile \
      -c /usr/share/grader/constraints.txt -r /opt/tools/requirements.txt; \
    python3 -m compileall -q --invalidation-mode unchecked-hash /opt/grader; \
    rm -rf /opt/tools /tmp/*

# The launcher of the sandbox, which is setuid root for the group of the worker only.
FROM libraries AS launcher
# yes precompiles bits/stdc++.h: C++ compiles in a quarter of the time, and the image is larger.
ARG HEADERS=no
WORKDIR /build
COPY grader/__init__.py grader/errors.py grader/
COPY grader/contract grader/contract
COPY grader/languages grader/languages
COPY grader/sandbox grader/sandbox
RUN set -eu; \
    /opt/grader/bin/python -m grader.sandbox.build --output /usr/local/libexec/grader/launcher \
      --box-root /var/lib/grader/boxes --worker-gid 1000 --own-machine; \
    case "$HEADERS" in \
      no) ;; \
      yes) /opt/grader/bin/python -m grader.sandbox.headers --box-root /var/lib/grader/boxes ;; \
      *) echo "HEADERS must be yes or no, not $HEADERS" >&2; exit 64 ;; \
    esac

# What builds the package of the worker.
FROM libraries AS tools
RUN --mount=type=secret,id=pip.conf --mount=type=secret,id=ca.pem set -eu; \
    [ ! -e /run/secrets/ca.pem ] || export PIP_CERT=/run/secrets/ca.pem; \
    [ ! -e /run/secrets/pip.conf ] || export PIP_CONFIG_FILE=/run/secrets/pip.conf; \
    python3 -m venv /tools; \
    /tools/bin/pip install -q --no-cache-dir setuptools==80.9.0

# The worker itself, below /out.
FROM tools AS worker
WORKDIR /build
COPY grader grader
RUN set -eu; \
    : > README.md; \
    cp /usr/share/grader/pyproject.toml .; \
    SOURCE_DATE_EPOCH=1577836800 /tools/bin/pip wheel -q --no-deps --no-build-isolation -w dist .; \
    /tools/bin/pip --python /opt/grader/bin/python install -q --no-deps --no-compile --no-index \
      --root /out dist/*.whl; \
    rm /out/opt/grader/bin/gradectl; \
    python3 -m compileall -q --invalidation-mode unchecked-hash -s /out /out

FROM libraries
ENV PATH=/opt/grader/bin:/usr/local/bin:/usr/bin:/bin
WORKDIR /tmp
USER 1000:1000
CMD ["grader", "worker"]
COPY --from=launcher /usr/local/libexec/grader /usr/local/libexec/grader
COPY --from=launcher /var/lib/grader /var/lib/grader
# The editor of the page. Without the folder, only the file that names it, and the page has a plain text area.
COPY grader/api/page/package.json editor* /opt/grader/share/grader/editor/
# The only writable paths of a task; its volumes get the owners and modes of these folders.
VOLUME ["/tmp", "/var/lib/grader/boxes"]
# What changes most often is last.
COPY --from=worker /out /
ARG SOURCE_DATE_EPOCH=1577836800
LABEL org.opencontainers.image.title=grading-worker
# gradectl adds a LABEL with commit, content and version.
