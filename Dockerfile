# An operand image: PostgreSQL from Debian's packages, and the manager as its process 1. Nothing else runs.
# `npm run build` first; it makes dist/. The arguments are those of images/definitions/; default: PostgreSQL 15.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS postgresql
ARG MAJOR=15
# The user comes before the packages, which would make one with a number of their own: 26 is what operators expect
# (Debian keeps that number for the group of tape drives, of which a container has none).
# A member of group 0 may be any user at all: what must be written is group 0's, and carries its bit on.
RUN set -eu; \
    groupdel tape; \
    groupadd --system --gid 26 postgres; \
    useradd --system --uid 26 --gid 26 --home-dir /var/lib/postgresql --shell /bin/bash postgres; \
    apt-get update -qq; \
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql-common; \
    sed -i 's/^#\?create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf; \
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      "postgresql-${MAJOR}" libatomic1 libnss-wrapper libstdc++6 xz-utils; \
    apt-get clean; \
    rm -rf /var/lib/apt/lists/* /var/cache/debconf/*-old /var/log/*.log /var/log/apt; \
    find / -xdev -perm /6000 -type f -exec chmod a-s {} +; \
    for directory in /var/lib/postgresql /var/lib/postgresql/data /run/postgresql; do \
      mkdir -p "$directory"; chown 26:0 "$directory"; chmod 2775 "$directory"; \
    done; \
    mkdir -p /docker-entrypoint-initdb.d

FROM postgresql AS manager
COPY dist/ /usr/lib/manager/
RUN install -m 0755 /usr/lib/manager/launcher /usr/local/bin/manager && rm /usr/lib/manager/launcher \
    && chmod -R a+rX,go-w /usr/lib/manager && manager version

FROM postgresql
ARG MAJOR=15
ARG VERSION=0.0.0
ARG COMMIT=unknown
LABEL org.opencontainers.image.title="PostgreSQL ${MAJOR} with manager as process 1" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${COMMIT}" \
      org.opencontainers.image.licenses="Apache-2.0 AND PostgreSQL"
COPY --from=manager /usr/lib/manager /usr/lib/manager
COPY --from=manager /usr/local/bin/manager /usr/local/bin/manager
ENV PATH=/usr/lib/postgresql/${MAJOR}/bin:/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8
USER 26:0
VOLUME /var/lib/postgresql/data
EXPOSE 5432 8000
ENTRYPOINT ["/usr/local/bin/manager"]
CMD ["postgres"]
