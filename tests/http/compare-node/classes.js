// SPDX-License-Identifier: BSD-2-Clause
// Why our parser and node's (llhttp) may differ about a head. A row names the difference, says why
// ours is meant to be so, and tells by ours, theirs and the text whether it applies. Rows are as
// narrow as the reason allows: a difference that no row covers fails the test.
//
// d.kind is "request" or "response", d.what the fact that differs ("verdict", "keep", ...),
// d.ours and d.theirs the facts, d.text the input as Latin-1.
'use strict';

const { methods } = require('_http_common');

const CLASSES = [];

// We refuse with one of <errors> what they accept.
function stricter(name, why, errors, applies = () => true) {
	CLASSES.push({ name, why, applies: (d) => d.what === 'verdict' &&
		d.ours.verdict === 'refuse' && d.theirs.verdict === 'accept' &&
		errors.includes(d.ours.error) && applies(d) });
}

// They refuse with <code> what we accept.
function wider(name, why, code, applies) {
	CLASSES.push({ name, why, applies: (d) => d.what === 'verdict' &&
		d.ours.verdict === 'accept' && d.theirs.verdict === 'refuse' &&
		d.theirs.error === code && applies(d) });
}

// Both accept, and <what> is read differently.
function reading(name, why, what, applies) {
	CLASSES.push({ name, why, applies: (d) => d.what === what && applies(d) });
}

const startLine = (d) => d.text.replace(/^[\r\n]*/, '').split(/\r?\n/)[0];
const has = (d, field, value) => new RegExp(`\\n${field}:[ \\t]*${value}[ \\t]*\\r\\n`, 'i').test(d.text);

// Debian 12's node still has llhttp 6. What it takes and version 9 refuses is no news; what it would
// refuse and we take, or read otherwise, still needs a row.
if (parseInt(process.versions.llhttp, 10) < 9) {
	CLASSES.push({
		name: 'llhttp before 9 is laxer',
		why: 'llhttp 9.0 and its fixes made bare LF and CR, white space around names and empty ' +
			'names errors, and gave 204 and 304 no body.',
		applies: (d) => (d.what === 'verdict' && d.ours.verdict === 'refuse' &&
			d.theirs.verdict === 'accept') ||
			(d.what === 'framing' && [204, 304].includes(d.ours.status)),
	});
}

CLASSES.push({
	name: 'input ends before one of the two has a verdict',
	why: 'We judge a line when it is complete, they judge bytes as they come (or the reverse, ' +
		'where they skip what we refuse). With more bytes the verdicts meet or get a row below.',
	applies: (d) => d.what === 'verdict' &&
		[d.ours.verdict, d.theirs.verdict].sort().join() === 'more,refuse',
});

stricter('Host', 'RFC 9112 3.2: missing, repeated or malformed Host is 400. Node checks the ' +
	'first in its server and the others nowhere.',
['HOST_MISSING', 'HOST_REPEATED', 'HOST_BAD'], (d) => d.kind === 'request');
stricter('target form', 'RFC 9112 3.2: we check the four forms; llhttp checks bytes only.',
	['TARGET_FORM']);
stricter('fragment in the target', 'RFC 9112 3.2: a target has no fragment; llhttp parses one.',
	['TARGET'], (d) => /^\S+ [^ ]*#/.test(startLine(d)));
stricter('several spaces in the request line', 'RFC 9112 3: one SP each; the lenient parsing ' +
	'that section allows invites smuggling (its own words). llhttp skips spaces.',
['TARGET', 'START_LINE'], (d) => /^\S+ {2,}\S|^\S+ +\S+ {2,}HTTP/.test(startLine(d)));
stricter('HTTP/0.9', 'No version in the request line: a request of 1991. llhttp still reads it.',
	['START_LINE'], (d) => d.theirs.major === 0 && !/HTTP\//.test(startLine(d)));
stricter('major version', 'RFC 9110 15.6.6: 505 for other major versions; llhttp reads 0.9 and 2.0.',
	['VERSION'], (d) => d.theirs.major !== 1);
stricter('bare LF or CR before the request', 'RFC 9112 2.2: a recipient should skip an empty ' +
	'line (CRLF); llhttp skips any CR and LF.',
['BARE_LF', 'BARE_CR'], (d) => /^[\r\n]+/.test(d.text));
stricter('many empty lines', 'RFC 9112 2.2: at least one is skipped; we skip two, llhttp any number.',
	['EMPTY_LINES']);
stricter('empty line before a response', 'RFC 9112 4: nothing allows it there; bytes behind the ' +
	'last response are a sign of broken framing.',
['STATUS'], (d) => d.kind === 'response' && /^[\r\n]/.test(d.text));
stricter('status below 100', 'RFC 9110 15: three digits from 100; llhttp takes 000 to 099.',
	['STATUS'], (d) => d.kind === 'response' && d.theirs.status < 100);
stricter('control byte in the reason phrase', 'RFC 9112 4: HTAB, SP, VCHAR and obs-text only.',
	['CONTROL'], (d) => d.kind === 'response' && /[^\t\x20-\x7e\x80-\xff]/.test(startLine(d)));
stricter('big Content-Length', 'From 2^63 on, or with more than 19 digits: refused rather than ' +
	'handed to arithmetic.',
['LENGTH_BAD'], (d) => /\ncontent-length:[ \t]*\d{19,}[ \t]*\r\n/i.test(d.text));
stricter('Transfer-Encoding in HTTP/1.0', 'RFC 9112 6.1: faulty framing.',
	['CODING_HTTP10'], (d) => d.theirs.minor === 0);
stricter('codings besides chunked', 'RFC 9112 6.1: 501 for what we do not decode; node hands ' +
	'the coded bytes to the application.',
['CODING_UNKNOWN']);
stricter('Transfer-Encoding is not exactly "chunked"', 'RFC 9112 6.1, 6.3: empty lists, empty ' +
	'members, a repeated chunked, or no last chunked.',
['CODING_BAD']);
stricter('Connection names Host or Content-Length', 'RFC 9110 7.6.1 forbids it; who obeyed it would ' +
	'lose the framing.', ['CONNECTION_BAD'], (d) => /\nconnection:.*(host|content-length)/i.test(d.text));

wider('method outside llhttp\'s list', 'RFC 9110 9.1: any token.', 'HPE_INVALID_METHOD',
	(d) => !methods.includes(d.ours.method));
wider('methods of RTSP and ICE', 'llhttp ties their names to those protocols; here they are ' +
	'tokens.', 'HPE_INVALID_CONSTANT', (d) => methods.includes(d.ours.method));
wider('HTTP/1.2 and up', 'RFC 9110 2.5: a higher minor version is understood as the highest ' +
	'known one.', 'HPE_INVALID_VERSION', (d) => /HTTP\/1\.[2-9]/.test(startLine(d)));
wider('identical Content-Length lines in a response', 'RFC 9110 8.6 allows to take them as one; ' +
	'one is forwarded.', 'HPE_UNEXPECTED_CONTENT_LENGTH', (d) => d.kind === 'response' &&
	d.text.match(/\ncontent-length:/ig).length > 1);

reading('tunnel by the request alone', 'CONNECT and Upgrade become tunnels by their answer here; ' +
	'llhttp stops at the request and leaves it to its user.', 'framing',
(d) => d.kind === 'request' && d.theirs.framing === 'tunnel');
reading('101 without Upgrade', 'RFC 9112 6.3: the message ends at the empty line; what follows ' +
	'is for the engine, which knows whether it asked.', 'framing',
(d) => d.kind === 'response' && d.ours.status === 101 && d.ours.framing === 'tunnel');
reading('persistence of a message that ends by close', 'Ours is the word of this message alone; ' +
	'the framing says the rest.', 'keep',
(d) => d.kind === 'response' && d.ours.framing === 'close' && d.theirs.keep === 0);
reading('body fields in a bodiless answer', 'RFC 9112 6.1, RFC 9110 8.6: forbidden there, so the ' +
	'connection is not used again.', 'keep',
(d) => d.kind === 'response' && d.ours.keep === 0 && (d.ours.status < 200 || d.ours.status === 204));
reading('close and keep-alive at once', 'RFC 9112 9.3: close wins; llhttp lets keep-alive win in ' +
	'HTTP/1.0.', 'keep',
(d) => d.ours.minor === 0 && d.ours.keep === 0 && has(d, 'connection', '.*close.*'));

function explain(d) {
	const row = CLASSES.find((c) => c.applies(d));
	return row && row.name;
}

module.exports = { explain, CLASSES };
