import { writeFileSync } from 'node:fs';
import { compileProgram, runProgram } from './loader.ts';

/** Runs the program like entry.ts, and keeps in the file of RECORD what V8 has compiled by its end. */
const file = process.env.RECORD ?? '';
const script = compileProgram();
process.on('exit', () => writeFileSync(file, script.createCachedData()));
runProgram(script);
