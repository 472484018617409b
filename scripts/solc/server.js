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

const server = net.createServer({ allowHalfOpen: true }, (caller) => {
  const pieces = [];
  caller.on('data', (piece) => pieces.push(piece));
  caller.on('error', () => caller.destroy());
  caller.on('end', () => {
    const { words, input } = JSON.parse(Buffer.concat(pieces).toString());
    let reply;
    try {
      reply = { output: answer(words, input) };
    } catch (error) {
      reply = { error: error.message };
    }
    caller.end(JSON.stringify(reply));
  });
});
server.listen(process.argv[2], () => console.log('ready'));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
