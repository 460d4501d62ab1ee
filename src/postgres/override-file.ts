/** What a standby must know to follow its primary. */
export interface Following {
  readonly conninfo: string;
  /** Slot of the primary; undefined: without one. */
  readonly slot: string | undefined;
  /** Fetches WAL from an archive; undefined: there is none. */
  readonly restoreCommand: string | undefined;
}

/** Settings of override.conf, all of them (contract 04, 7.1); `renderSettingLines` makes its text. */
export function overrideSettings(following: Following): Map<string, string> {
  const { conninfo, slot, restoreCommand } = following;
  return new Map([
    ['primary_conninfo', conninfo],
    ['recovery_target_timeline', 'latest'],
    ...(slot === undefined || slot === '' ? [] : [['primary_slot_name', slot] as const]),
    ...(restoreCommand === undefined ? [] : [['restore_command', restoreCommand] as const]),
  ]);
}
