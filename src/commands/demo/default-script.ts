/** What `npm run demo` plays where nobody can press a key, and what the recording in README.md shows. */
export const defaultScript = `
say Three managers begin with empty directories: demo-1 makes a database, the others copy it and stream from it. A client writes 50 rows a second; a row counts when the primary and one standby have it.
wait healthy
wait rows 50
show

say A planned switchover: the old primary stops, the new one has received everything, takes the lease and is promoted.
promote 2
wait healthy
wait rows 50

say The primary loses power. Nothing here fails over by itself: the client waits until an operator, which is you, decides.
kill 2
wait silence 1
failover
wait primary
wait rows 50

say The old primary comes back, finds out how its WAL relates to that of the new one, and follows it. Then all is as before.
start 2
wait healthy
promote 2
wait healthy
wait rows 50

say The manager of the primary freezes and cannot renew the lease. A watchdog stops its server before anybody else may lead.
freeze 2
wait down 2
wait silence 1
failover
wait primary
thaw 2
wait healthy
wait rows 50

say A person wants the server of an instance down, for repairs.
fence 2
wait down 2
unfence 2
wait healthy
quit
`;
