import { compileProgram, runProgram } from './loader.ts';

runProgram(compileProgram());
