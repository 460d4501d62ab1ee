import { keyHelp } from './keys.ts';
import { clip, count, duration, plural, secondsColumn, wrap } from './text.ts';
import type { DemoView, EventView, InstanceView, LeaseView, WriterView } from './view.ts';

export interface ScreenOptions {
  readonly columns: number;
  readonly rows: number;
  readonly hasColor: boolean;
}

/** A line and how it is shown; escape sequences come last, so that widths are those of the text. */
interface Line {
  readonly text: string;
  readonly style?: Style;
}

type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow';

const codes: Readonly<Record<Style, number>> = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 };
const columns = ['', 'instance', 'role', 'phase', 'TL', 'LSN', 'lag', 'endpoint', 'ready'] as const;
const widths = [1, 8, 7, 12, 3, 11, 11, 15] as const;
/** Milliseconds without a row after which a writer counts as stopped: more than a slow machine makes by itself. */
const stalledAfter = 1_000;

/** The live screen, line by line, none longer and not more than there is room for. */
export function renderScreen(view: DemoView, options: ScreenOptions): string[] {
  const top = [
    { text: `${view.title}  ${clock(view.at)}`, style: 'bold' as const },
    ...storyLines(view.story, options.columns),
    { text: '' },
    ...statusLines(view),
    { text: '' },
    { text: 'events'.padEnd(options.columns - 10).concat('write gap'), style: 'dim' as const },
  ];
  const bottom = [{ text: '' }, ...footer(options.columns)];
  const room = Math.max(1, options.rows - top.length - bottom.length);
  const events = view.events.slice(-room).map((event) => eventLine(event, options.columns));
  const filler = Array.from({ length: Math.max(0, room - events.length) }, () => ({ text: '' }));
  return [...top, ...events, ...filler, ...bottom].slice(0, options.rows).map((line) => paint(line, options));
}

function storyLines(story: string, width: number): Line[] {
  if (story === '') return [];
  return wrap(story.split(' '), ' ', width).map((text) => ({ text, style: 'yellow' }));
}

/** The part that is also shown, as plain text, by the command `show`. */
export function statusLines(view: DemoView): Line[] {
  return [
    { text: table(columns), style: 'dim' },
    ...view.instances.flatMap((instance) => instanceLines(instance, instance.number === view.chosen)),
    { text: '' },
    { text: row('lease', leaseText(view.lease)) },
    { text: row('cluster', clusterTextOf(view)) },
    ...writerLines(view.writer),
  ];
}

function instanceLines(instance: InstanceView, isChosen: boolean): Line[] {
  const { name, role, phase, timeline, lsn, lag, endpoint, isReady, reason, doing, isTrouble } = instance;
  const cells = [
    isChosen ? '>' : '',
    name,
    role,
    phase,
    timeline === undefined ? '' : String(timeline),
    lsn ?? '',
    lag === undefined ? '' : `${count(lag)} B`,
    endpoint,
    readiness(isReady, reason),
  ];
  const style = role === 'primary' ? 'green' : undefined;
  const text = table(cells);
  return [
    style === undefined ? { text } : { text, style },
    { text: `    ${doing}`, style: isTrouble ? 'red' : 'dim' },
  ];
}

function leaseText(lease: LeaseView | undefined): string {
  if (lease === undefined) return 'not made yet';
  const { holder, age, left } = lease;
  if (holder === '') return `free for ${seconds(age)}`;
  const rest = left > 0 ? `${seconds(left)} left` : 'its time is over: another one may take it';
  return `${holder} holds it, renewed ${seconds(age)} ago, ${rest}`;
}

function clusterTextOf({ cluster }: Pick<DemoView, 'cluster'>): string {
  const { currentPrimary = '', targetPrimary = '', phase = '' } = cluster;
  return `primary ${currentPrimary || 'none yet'}, target ${targetPrimary || 'none yet'}: ${phase || 'not set up yet'}`;
}

function writerLines(writer: WriterView): Line[] {
  const { acknowledged, unanswered, refused, longestGap, since, by, lastError } = writer;
  const isStalled = since === undefined || since > stalledAfter;
  const present = isStalled
    ? `nothing acknowledged for ${since === undefined ? 'now' : seconds(since)}${lastError === '' ? '' : `: ${lastError}`}`
    : `50 a second by ${by}`;
  const first = row('writer', `${plural(acknowledged, 'row')} acknowledged, ${present}`);
  const second = `longest gap ${duration(longestGap)}, ${plural(unanswered, 'row')} without an answer, ${plural(refused, 'connection')} refused`;
  return [isStalled ? { text: first, style: 'yellow' } : { text: first }, { text: row('', second) }];
}

function eventLine({ at, who, text, gap }: EventView, width: number): Line {
  const shown = gap === undefined ? '' : duration(gap);
  const words = clip(`${secondsColumn(at)}  ${who.padEnd(8)}  ${text}`, width - 11);
  const line = gap === undefined ? words : `${words.padEnd(width - 10)}${shown.padStart(9)}`;
  return who === 'you' ? { text: line, style: 'bold' } : { text: line };
}

function footer(width: number): Line[] {
  const keys = keyHelp.map(([key, meaning]) => `${key} ${meaning}`);
  const note =
    "Nothing here fails over by itself: that is an operator's decision. With o you are the operator.";
  return [
    ...wrap(keys, '  ', width).map((text) => ({ text, style: 'bold' as const })),
    { text: note, style: 'dim' },
  ];
}

function readiness(isReady: boolean, reason: string | undefined): string {
  if (isReady) return 'yes';
  return reason === undefined ? 'no' : `no: ${reason}`;
}

function table(cells: readonly string[]): string {
  return cells
    .map((cell, index) => (widths[index] === undefined ? cell : cell.padEnd(widths[index])))
    .join(' ')
    .trimEnd();
}

function row(label: string, text: string): string {
  return `${label.padEnd(8)} ${text}`;
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

/** `1:07`. */
function clock(milliseconds: number): string {
  const all = Math.floor(milliseconds / 1000);
  return `${Math.floor(all / 60)}:${String(all % 60).padStart(2, '0')}`;
}

function paint({ text, style }: Line, { columns: width, hasColor }: ScreenOptions): string {
  const clipped = clip(text, width);
  return style === undefined || !hasColor ? clipped : `\u001b[${codes[style]}m${clipped}\u001b[0m`;
}
