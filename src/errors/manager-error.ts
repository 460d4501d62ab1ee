import { catalogue, type ErrorCode } from './catalogue.ts';

/** An error of the catalogue: `message` says what happened this time, `remedy` what to do. Never holds a secret. */
export class ManagerError extends Error {
  override readonly name = 'ManagerError';
  readonly code: ErrorCode;
  readonly remedy: string;
  readonly exitCode: number;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
    this.remedy = catalogue[code].remedy;
    this.exitCode = catalogue[code].exitCode;
  }
}

/** The `code` of a Node system error (`ENOENT`, …), or undefined for anything else. */
export function systemErrorCode(error: unknown): string | undefined {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return undefined;
}

/** The text of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
