// SPDX-License-Identifier: BSD-2-Clause
// Compares what two parsers make of the same heads: ours (through head_facts) and the one inside
// node. Both see the kept fuzz corpora. A difference is fine only if a row of classes.js explains
// it; anything else is an error.
//
//   node compare.js HEAD_FACTS request|response DIRECTORY
'use strict';

const { execFileSync } = require('child_process');
const fs = require('fs');
const path = require('path');
const { HTTPParser, methods } = require('_http_common');
const { explain } = require('./classes.js');

const MAX_HEAD = 16384;
const PROBE = 4096; // a longer body is not told from an endless one by feeding it

function newParser(kind, seen) {
	const parser = new HTTPParser();
	const keep = (list) => { seen.fields += list.length / 2; };

	parser.initialize(kind === 'request' ? HTTPParser.REQUEST : HTTPParser.RESPONSE, {},
		MAX_HEAD, 0);
	parser[HTTPParser.kOnHeaders | 0] = keep;
	parser[HTTPParser.kOnHeadersComplete | 0] =
		(major, minor, list, method, url, status, reason, upgrade, keepAlive) => {
			keep(list || []);
			Object.assign(seen, { complete: true, major, minor, status, upgrade,
				url, method, keep: keepAlive ? 1 : 0 });
			return 0;
		};
	parser[HTTPParser.kOnBody | 0] = (b) => { seen.body += b.length; };
	parser[HTTPParser.kOnMessageComplete | 0] = () => { seen.done = true; };
	return parser;
}

function feed(state, bytes) {
	const r = state.parser.execute(bytes);
	if (r instanceof Error)
		state.error = r.code;
}

// Byte by byte up to the end of the head, so that its length shows.
function feedHead(kind, input) {
	const seen = { fields: 0, body: 0, complete: false, done: false };
	const state = { parser: newParser(kind, seen), seen, error: null, used: 0 };

	while (state.used < input.length && !state.error && !seen.complete)
		feed(state, input.subarray(state.used, ++state.used));
	return state;
}

// How the body ends, found out by feeding one.
function framingOf(kind, input) {
	const probe = (bytes) => {
		const state = feedHead(kind, input);
		if (!state.seen.done && !state.error && !state.seen.upgrade)
			feed(state, bytes);
		return state;
	};
	const some = probe(Buffer.from('0\r\n\r\n'));

	if (some.error)
		return { error: some.error };
	if (some.seen.upgrade)
		return { framing: 'tunnel', length: 0 };
	if (some.seen.done && some.seen.body === 0)
		return { framing: feedHead(kind, input).seen.done ? 'none' : 'chunked', length: 0 };
	const many = probe(Buffer.alloc(PROBE));
	if (many.seen.done)
		return { framing: 'length', length: many.seen.body };
	return { framing: many.parser.finish() instanceof Error ? 'long' : 'close', length: 0 };
}

function theirFacts(kind, input) {
	const state = feedHead(kind, input);

	if (state.error)
		return { verdict: 'refuse', error: state.error };
	if (!state.seen.complete)
		return { verdict: 'more' };
	const framing = framingOf(kind, input);
	if (framing.error)
		return { verdict: 'refuse', error: framing.error };
	const facts = { verdict: 'accept', minor: state.seen.minor, fields: state.seen.fields,
		head: state.used, keep: state.seen.keep, major: state.seen.major, ...framing };
	if (kind === 'request')
		return { ...facts, method: methods[state.seen.method], target: state.seen.url };
	return { ...facts, status: state.seen.status };
}

// Empty bodies of two kinds are one to feeding, and so are all long ones.
function plainFraming(f) {
	if (f.framing === 'length' && f.length === 0)
		return 'none';
	if (f.framing === 'length')
		return f.length > PROBE ? 'long' : `length=${f.length}`;
	return f.framing;
}

function differences(ours, theirs) {
	if (ours.verdict !== theirs.verdict)
		return ['verdict'];
	if (ours.verdict !== 'accept')
		return [];
	const names = ['method', 'target', 'status', 'minor', 'fields', 'head', 'keep'];
	const found = names.filter((name) => ours[name] !== theirs[name]);
	if (plainFraming(ours) !== plainFraming(theirs))
		found.push('framing');
	return found;
}

function main(program, kind, directory) {
	const files = fs.readdirSync(directory).sort().map((name) => path.join(directory, name));
	const lines = execFileSync(program, [kind, ...files], { maxBuffer: 1 << 26 }).toString();
	const counts = { same: 0, explained: {}, unexplained: 0 };

	for (const line of lines.trim().split('\n')) {
		const ours = JSON.parse(line);
		const input = fs.readFileSync(ours.file);
		const theirs = theirFacts(kind, input);
		const found = differences(ours, theirs);

		if (found.length === 0)
			counts.same++;
		for (const what of found) {
			const name = explain({ kind, what, ours, theirs, text: input.toString('latin1') });
			if (name) {
				counts.explained[name] = (counts.explained[name] || 0) + 1;
				continue;
			}
			counts.unexplained++;
			console.log('NOT EXPLAINED:', what, path.basename(ours.file),
				JSON.stringify(input.toString('latin1')));
			console.log('  ours  ', JSON.stringify(ours));
			console.log('  theirs', JSON.stringify(theirs));
		}
	}
	console.log(`${kind}: ${files.length} heads, ${counts.same} the same`);
	for (const [name, n] of Object.entries(counts.explained))
		console.log(`  ${String(n).padStart(4)} ${name}`);
	return counts.unexplained ? 1 : 0;
}

process.exit(main(...process.argv.slice(2)));
