/** Who the unprivileged processes run as. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
  /** Login name, when the user is in the passwd file. */
  readonly name: string | undefined;
}

/** What the choice is made from. */
export interface IdentityFacts {
  /** Owner of PGDATA when the directory exists. */
  readonly dataDirectoryOwner: { readonly uid: number; readonly gid: number } | undefined;
  /** Text of /etc/passwd; empty when there is none. */
  readonly passwd: string;
}

/** UID and GID of the operand images (contract 04, 1.1: DefaultPostgresUID/GID). */
const operandUser = 26;

/**
 * The user to become when started as root: the owner of PGDATA unless that is root, else the user `postgres`,
 * else 26.
 */
export function chooseIdentity(facts: IdentityFacts): Identity {
  const users = parsePasswd(facts.passwd);
  const owner = facts.dataDirectoryOwner;
  if (owner !== undefined && owner.uid !== 0) {
    const known = users.find((user) => user.uid === owner.uid);
    return known ?? { uid: owner.uid, gid: owner.gid, name: undefined };
  }
  const named = users.find((user) => user.name === 'postgres' && user.uid !== 0);
  if (named !== undefined) return named;
  return (
    users.find((user) => user.uid === operandUser) ?? { uid: operandUser, gid: operandUser, name: undefined }
  );
}

/** The passwd entry of a user id, if there is one. */
export function findIdentity(passwd: string, uid: number): Identity | undefined {
  return parsePasswd(passwd).find((user) => user.uid === uid);
}

function parsePasswd(text: string): Identity[] {
  const users: Identity[] = [];
  for (const line of text.split('\n')) {
    const [name, , uid, gid] = line.split(':');
    if (name && uid && gid && /^\d+$/.test(uid) && /^\d+$/.test(gid)) {
      users.push({ name, uid: Number(uid), gid: Number(gid) });
    }
  }
  return users;
}
