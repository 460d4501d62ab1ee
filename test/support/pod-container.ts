import { node, program, repository } from './sources.ts';

/**
 * What a kubelet would make for an instance: its own root directory over that of the machine, with the mounts of the Pod,
 * process numbers of its own, in which the manager is process 1, and the network namespace of the Pod. As in the images,
 * `manager` is on the PATH, and whoever is not root is called postgres.
 */
const script = `
set -eu
home=$1; shift
mount -t tmpfs -o size=64m tmpfs "$home/layer"
mkdir "$home/layer/upper" "$home/layer/work"
root="$home/root"
mount -t overlay -o "lowerdir=/,upperdir=$home/layer/upper,workdir=$home/layer/work" overlay "$root"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mkdir -p "$root$SOURCES"
mount --bind "$SOURCES" "$root$SOURCES"
printf '#!/bin/sh\\nexec %s "$@"\\n' "$MANAGER" > "$root/usr/local/bin/manager"
chmod 755 "$root/usr/local/bin/manager"
mount --bind "$home/hosts" "$root/etc/hosts"
printf '%s' "$MOUNTS" | while read -r source path mode; do
  mkdir -p "$root$path"
  mount --bind "$source" "$root$path"
  mount -o "remount,bind,$mode" "$root$path"
done
if [ -n "$USER_ID" ]; then
  printf 'root:x:0:0::/root:/bin/sh\\npostgres:x:%s:%s::/var/lib/postgresql:/bin/sh\\n' "$USER_ID" "$USER_ID" > "$root/etc/passwd"
  mount -o remount,ro "$root"
  mount -o remount,ro "$root/tmp"
  set -- setpriv --reuid "$USER_ID" --regid "$USER_ID" --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all "$@"
fi
unset SOURCES MANAGER MOUNTS USER_ID
exec chroot "$root" "$@"
`;

/** One mount of a container. */
export interface PodMount {
  /** Directory outside. */
  readonly source: string;
  readonly path: string;
  readonly isReadOnly: boolean;
}

/** What runs in a Pod. */
export interface PodContainer {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly mounts: readonly PodMount[];
  /** Number of the user and of his group, who has no right at all and cannot write to the root directory; undefined: root. */
  readonly user?: number;
  /** What `manager` is; by default this clone's sources. */
  readonly manager?: readonly string[];
}

/** The mounts of the contract that matter (contract 01, 3.5). */
export function usualMounts(home: string, account: string): PodMount[] {
  return [
    { source: `${home}/controller`, path: '/controller', isReadOnly: false },
    { source: `${home}/data`, path: '/var/lib/postgresql/data', isReadOnly: false },
    { source: account, path: '/run/secrets/kubernetes.io/serviceaccount', isReadOnly: true },
  ];
}

/** The words that start a container, and what must be in their environment. */
export function containerStart(
  { command, env, mounts, user, manager }: PodContainer,
  home: string,
  networkNamespace: string,
): { readonly words: readonly string[]; readonly env: NodeJS.ProcessEnv } {
  const table = mounts.map(({ source, path, isReadOnly }) => {
    // A link of the image, which would lead out of its root directory.
    const target = path.replace(/^\/var\/run\//, '/run/');
    return `${source} ${target} ${isReadOnly ? 'ro' : 'rw'}\n`;
  });
  return {
    words: [
      ...['setpriv', '--pdeathsig', 'KILL', 'ip', 'netns', 'exec', networkNamespace],
      ...['unshare', '--mount', '--pid', '--fork', '--kill-child', '--propagation', 'private'],
      ...['sh', '-c', script, 'pod', home, ...command],
    ],
    env: {
      PATH: process.env.PATH,
      ...env,
      SOURCES: repository,
      MANAGER: (manager ?? [node, program]).join(' '),
      MOUNTS: table.join(''),
      USER_ID: user === undefined ? '' : String(user),
    },
  };
}
