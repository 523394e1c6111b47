#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Writes C source with the contents of the files given, one string literal per line of theirs.
# The files are plain text; sed is all it takes.
set -eu
LC_ALL=C
export LC_ALL
echo '/* Made by dashboard/embed.sh; not to be edited. */'
echo '#include "admin/assets.h"'
i=0
for file in "$@"; do
	printf '\nstatic const char text_%d[] =\n' "$i"
	sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/?/\\?/g' -e 's/^/	"/' -e 's/$/\\n"/' "$file"
	printf '	"";\n'
	i=$((i + 1))
done
printf '\nconst struct asset assets[] = {\n'
i=0
for file in "$@"; do
	printf '	{"%s", text_%d, sizeof(text_%d) - 1},\n' "${file##*/}" "$i" "$i"
	i=$((i + 1))
done
printf '};\n\nconst size_t assets_count = sizeof(assets) / sizeof(assets[0]);\n'
