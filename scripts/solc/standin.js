#!/usr/bin/env node
// The part of the native `solc` command that build tools use, `--standard-json`, over the npm package `solc`.
'use strict';
const fs = require('fs');
const path = require('path');
const solc = require(process.env.SOLC_JS_PACKAGE || 'solc');

function fail(message) {
  throw new Error(message);
}

function parseArguments(words) {
  const options = { base: '.', include: [], allow: [], standardJson: false, input: 0 };
  for (let i = 0; i < words.length; i++) {
    const [name, inline] = words[i].startsWith('--') ? words[i].split(/=(.*)/s) : [words[i]];
    const value = () => inline ?? words[++i];
    if (name === '--standard-json') options.standardJson = true;
    else if (name === '--base-path') options.base = value() || '.';
    else if (name === '--include-path') options.include.push(value());
    else if (name === '--allow-paths') options.allow.push(...value().split(',').filter(Boolean));
    else if (name === '--pretty-json' || name === '--no-color') continue; // change no content
    else if (!name.startsWith('-')) options.input = name;
    else fail(`unrecognised option '${name}'`);
  }
  if (!options.standardJson) fail('only --version and --standard-json are supported');
  return options;
}

function realPath(name) {
  try {
    return fs.realpathSync(name);
  } catch {
    return path.resolve(name);
  }
}

/** The compiler's answer to this command line and, if it names no file, this request. Throws what the command would print. */
function answer(words, request) {
  const options = parseArguments(words);
  if (options.input !== 0 || request === undefined) request = fs.readFileSync(options.input, 'utf8');

  let remappings = [];
  try {
    remappings = JSON.parse(request).settings?.remappings ?? [];
  } catch {
    // solc reports malformed input itself
  }
  const targets = remappings.map((line) => line.slice(line.indexOf('=') + 1)).filter(Boolean);
  const allowed = [options.base, ...options.include, ...options.allow, ...targets].map(realPath);

  function isAllowed(file) {
    return allowed.some((folder) => folder === '/' || file === folder || file.startsWith(folder + path.sep));
  }

  function readSource(unit) {
    const name = unit.startsWith('file://') ? unit.slice('file://'.length) : unit;
    const folders = path.isAbsolute(name) ? [''] : [options.base, ...options.include];
    const candidates = folders.map((folder) => path.join(folder, name));
    const found = candidates.find((file) => fs.existsSync(file) && fs.statSync(file).isFile());
    if (!found) return { error: `File not found. Searched the following locations: ${JSON.stringify(candidates)}.` };
    if (!isAllowed(realPath(found))) return { error: `File outside of allowed directories: ${JSON.stringify(allowed)}.` };
    return { contents: fs.readFileSync(found, 'utf8') };
  }

  return solc.compile(request, { import: readSource }) + '\n';
}

module.exports = { answer };

if (require.main === module) {
  try {
    process.stdout.write(answer(process.argv.slice(2)));
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
}
