// SPDX-License-Identifier: Apache-2.0

// download hands a text to the browser as a file.
export function download(name: string, text: string, type = "text/plain"): void {
	const url = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
	const a = document.createElement("a");
	a.href = url;
	a.download = name;
	document.body.append(a);
	a.click();
	a.remove();
	URL.revokeObjectURL(url);
}
