import { join } from 'node:path';
import { messageOf } from '../errors/manager-error.ts';
import { enforcedParameters, parseControlData } from '../postgres/control-data.ts';
import { captureTool } from './capture-tool.ts';
import type { ServerContext } from './server-context.ts';

/** Milliseconds; it reads one file. */
const patience = 10_000;

/**
 * Parameters of which the control file holds more than the Cluster asks for.
 *
 * @param parameters those of the Cluster
 * @returns undefined when pg_controldata does not tell: nothing is enforced at a start then, since the server itself says
 *   what it misses, and nothing may be taken for replayed
 */
export async function readEnforcedParameters(
  context: ServerContext,
  parameters: Readonly<Record<string, string>>,
): Promise<ReadonlyMap<string, string> | undefined> {
  const program = join(context.installation.binDirectory, 'pg_controldata');
  try {
    const { exit, lines } = await captureTool(context, program, ['-D', context.dataDirectory], {
      signal: AbortSignal.timeout(patience),
    });
    if (exit.code !== 0) throw new Error(`it ended with ${exit.code ?? exit.signal}: ${lines.at(-1) ?? ''}`);
    return enforcedParameters(parseControlData(lines.join('\n')), parameters);
  } catch (error) {
    context.log.warn({ error: messageOf(error) }, 'pg_controldata does not tell what must be enforced');
    return undefined;
  }
}
