/** The Cluster that the instances share, as a person would write it. */
export function clusterText(instances: number): string {
  return `# The Cluster of \`npm run demo\`: read and changed by people and by the managers. Edit it while the demo runs, if you like.
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: demo}
spec:
  instances: ${instances}
  # Short, so that nobody waits long before a screen; without this line it is 15, 10 and 2.
  primaryLease: {leaseDurationSeconds: 6, renewDeadlineSeconds: 4, retryPeriodSeconds: 1}
  postgresql:
    # A commit is acknowledged when one of the standbys has it, too.
    synchronous: {method: any, number: 1}
    pg_hba: [host all all 127.0.0.1/32 trust]
    parameters: {shared_buffers: "32MB", max_connections: "50"}
`;
}
