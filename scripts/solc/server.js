#!/usr/bin/env node
// One compiler for many requests: standin.js, loaded and made fast once. Loading it and letting the engine optimise it
// again costs each run of the command two to eight seconds of processor time, ten times what compiling one contract does.
//
//     server.js SOCKET    answers until its standard input ends, that is as long as who started it lives
//
// A request is one JSON object {words, input}: the command line and what would be its standard input.
'use strict';
const net = require('net');
const { answer } = require('./standin.js');

// Before each run forge asks for nothing but the ABI of everything, to learn which tests there are. No fault in a
// contract changes that, so the answer to the same tests is given again; what does not compile, the next request tells.
const abis = new Map();

function asked(words, input) {
  const request = JSON.parse(input);
  const wanted = Object.values(request.settings.outputSelection).flatMap((file) => Object.values(file).flat());
  if (wanted.length === 0 || wanted.some((output) => output !== 'abi')) return answer(words, input);
  for (const [name, source] of Object.entries(request.sources)) if (name.startsWith('contracts/')) source.content = '';
  const key = JSON.stringify([words, request]);
  if (!abis.has(key)) abis.set(key, answer(words, input));
  return abis.get(key);
}

const server = net.createServer({ allowHalfOpen: true }, (caller) => {
  const pieces = [];
  caller.on('data', (piece) => pieces.push(piece));
  caller.on('error', () => caller.destroy());
  caller.on('end', () => {
    const { words, input } = JSON.parse(Buffer.concat(pieces).toString());
    let reply;
    try {
      reply = { output: asked(words, input) };
    } catch (error) {
      reply = { error: error.message };
    }
    caller.end(JSON.stringify(reply));
  });
});
server.listen(process.argv[2], () => console.log('ready'));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
