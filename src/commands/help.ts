/** Behind the list of commands of `manager --help`. */
export const mainHelp = `
Examples:
  docker run -e POSTGRES_PASSWORD=... IMAGE
  docker run -e POSTGRES_PASSWORD=... IMAGE postgres -c shared_buffers=256MB
  manager instance run --cluster-file cluster.yaml --pg-data /var/lib/postgresql/data/pgdata
  manager instance status
  manager cluster status --cluster-file cluster.yaml

Environment:
  PGDATA                      data directory; default /var/lib/postgresql/data if that holds a database,
                              else /var/lib/postgresql/data/pgdata
  PGPORT, PGHOST              port, and directory of the socket
  POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB, POSTGRES_INITDB_ARGS (each also as NAME_FILE),
  POSTGRES_INITDB_WALDIR, POSTGRES_HOST_AUTH_METHOD
                              as with the postgres image; used when a new database is made
  POSTGRES_NAME               file name of the server's program
  POD_NAME, NAMESPACE, CLUSTER_NAME
                              who this instance is

Signals:
  TERM, INT   ordered stop: smart if the cluster gives sessions time, then fast, then immediate, each with a
              deadline; a second signal goes on to the next
  QUIT        immediate stop
  HUP         read the cluster file again and reload the server

Exit status:
  0 stopped in order   1 failed to start, or bad arguments   2 internal error   4 no space for WAL
  130, 131, 143 stopped while a new database was made   other: that of the server, or 128 + signal

All errors with what to do about them are in README.md.`;

export const commandHelp = {
  postgres: `
Without arguments the server gets only what the environment and --cluster-file say. Options of the manager
come before the word postgres: manager --log-level=debug postgres -c log_statement=all`,
  instanceRun: `
Unknown options are reported and ignored, so that a newer operator can add some; options of the server (-c, -N, …) are
refused unless they stand behind --.`,
  clusterPromote: `
The instance becomes the target. The old primary stops in order and gives the lease back, the new one waits for the last of
its WAL. An instance that does not run, or does not stream from the primary, is refused: it may lack what was acknowledged.
When there is nothing better, such as after the loss of all others, --force chooses it all the same.`,
  clusterForget: `
Only the status of the Cluster and the replication slot change; spec.instances and the data of the instance stay. One whose
manager still runs registers itself again. A new copy needs the whole data then: the WAL that it would need is not kept.`,
} as const;
