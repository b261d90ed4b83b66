'use strict';
// Loaded before everything else by the scripts of package.json, so it must run on any Node, and in any shell's place.
const { enableCompileCache } = require('module');
const { join } = require('path');

const OLDEST_NODE = 24;
const { node } = process.versions;

if (parseInt(node, 10) < OLDEST_NODE) {
  process.stderr.write(
    `Cannot start: Node ${OLDEST_NODE} or later is required; this is Node v${node}. Node 26 comes with the packages, ` +
      'but npm has not run their install scripts; run: npm rebuild node --ignore-scripts=false\n',
  );
  process.exit(1);
}
// Keeps compiled code: starting takes half as long.
enableCompileCache(join(__dirname, 'node_modules/.cache/account-task-gateway'));
