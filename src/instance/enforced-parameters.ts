import { join } from 'node:path';
import { messageOf } from '../errors/manager-error.ts';
import { enforcedParameters, parseControlData } from '../postgres/control-data.ts';
import { captureTool } from './capture-tool.ts';
import type { ServerContext } from './server-context.ts';

/** Milliseconds; it reads one file. */
const patience = 10_000;

/**
 * Parameters of which the control file holds more than the Cluster asks for. Without pg_controldata nothing is enforced:
 * the server itself says then what it misses.
 *
 * @param parameters those of the Cluster
 */
export async function readEnforcedParameters(
  context: ServerContext,
  parameters: Readonly<Record<string, string>>,
): Promise<ReadonlyMap<string, string>> {
  const program = join(context.installation.binDirectory, 'pg_controldata');
  try {
    const { lines } = await captureTool(context, program, ['-D', context.dataDirectory], {
      signal: AbortSignal.timeout(patience),
    });
    return enforcedParameters(parseControlData(lines.join('\n')), parameters);
  } catch (error) {
    context.log.warn({ error: messageOf(error) }, 'pg_controldata cannot be asked; nothing is enforced');
    return new Map();
  }
}
