// SPDX-License-Identifier: Apache-2.0
//
// Icons: lines of 1.5 on a grid of 16, drawn for this console. They stand
// beside words; alone they need a label on their button.

const paths = {
	menu: "M2 4h12M2 8h12M2 12h12",
	search: "M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9ZM10.4 10.4 14 14",
	close: "M3.5 3.5l9 9M12.5 3.5l-9 9",
	check: "M3 8.5 6.5 12 13 4.5",
	down: "M4 6l4 4 4-4",
	up: "M4 10l4-4 4 4",
	right: "M6 4l4 4-4 4",
	left: "M10 4 6 8l4 4",
	more: "M8 3.2v.1M8 8v.1M8 12.7v.1",
	plus: "M8 3v10M3 8h10",
	overview: "M2.5 2.5h4.5v6H2.5zM9 2.5h4.5v3H9zM9 8h4.5v5.5H9zM2.5 11h4.5v2.5H2.5z",
	topology: "M2 6h4v4H2zM10.5 1.5h3.5v3.5h-3.5zM10.5 11h3.5v3.5h-3.5zM6 8h2.2M10.5 3.2H8.2v9.6h2.3",
	cluster: "M8 1.8 14 5v6l-6 3.2L2 11V5zM2 5l6 3.2L14 5M8 8.2v6",
	rules: "M2 3.5h3M2 8h3M2 12.5h3M7.5 3.5H14M7.5 8H14M7.5 12.5H14",
	tester: "M6 1.8h4M6.8 1.8v4.6L2.9 12.6a1 1 0 0 0 .9 1.6h8.4a1 1 0 0 0 .9-1.6L9.2 6.4V1.8M4.6 10h6.8",
	pool: "M8 2c3.3 0 6 1 6 2.3S11.3 6.600 8 6.600 2 5.600 2 4.300 4.700 2 8 2ZM2 4.300v7.400C2 13 4.700 14 8 14s6-1 6-2.300V4.300M2 8c0 1.300 2.700 2.300 6 2.300S14 9.300 14 8",
	server: "M2 2.500h12v4.500H2zM2 9h12v4.500H2zM4.700 4.800v.1M4.700 11.200v.1M8 4.800h3.500M8 11.200h3.500",
	responder: "M2 3h12v8H8.500L5 14v-3H2z",
	probe: "M1.500 8H5l1.500-5 3 10L11 8h3.500",
	persist: "M6.500 9.500a3 3 0 0 1 0-4.200l2-2a3 3 0 0 1 4.200 4.200l-1 1M9.500 6.500a3 3 0 0 1 0 4.200l-2 2a3 3 0 0 1-4.200-4.200l1-1",
	certificate: "M8 1.800 13.500 4v4c0 3.200-2.300 5.300-5.500 6.300C4.800 13.300 2.500 11.200 2.500 8V4zM5.500 8l1.800 1.800 3.200-3.300",
	chart: "M2 2v12h12M4.500 10.500 7.500 7l2 2L13.500 4.500",
	event: "M8 1.800a6.200 6.200 0 1 1 0 12.400A6.200 6.200 0 0 1 8 1.800ZM8 4.500V8l2.500 1.500",
	log: "M3 1.800h7l3 3v9.400H3zM5.500 7h5M5.500 9.500h5M5.500 12h3",
	review: "M2 4h6M5 1v6M2 12h6M10.500 2.500 13.500 6l-3 3.500M10.500 12H14",
	history: "M2.200 6A6.100 6.100 0 1 1 2 9.500M2 2.500V6h3.500M8 4.800V8.200l2.300 1.300",
	text: "M5.500 4 2 8l3.500 4M10.500 4 14 8l-3.500 4",
	system: "M2 4.500h6M11.500 4.500H14M2 11.500h2.500M8 11.500h6M8 4.500a1.750 1.750 0 1 0 3.500 0 1.750 1.750 0 1 0-3.500 0M4.500 11.500a1.750 1.750 0 1 0 3.500 0 1.750 1.750 0 1 0-3.500 0",
	user: "M8 2a3 3 0 1 1 0 6 3 3 0 0 1 0-6ZM2.500 14c.5-3 2.700-4.500 5.500-4.500s5 1.500 5.500 4.500",
	audit: "M4.500 2.500h-2v11.700h11V2.500h-2M5.500 1.500h5v2.500h-5zM5 9l2 2 4-4",
	backup: "M2 3h12v3.500H2zM3 6.500v7h10v-7M6.500 9.500h3",
	alert: "M3.500 11.500V7a4.500 4.500 0 0 1 9 0v4.500L14 13H2zM6.500 13.500a1.600 1.600 0 0 0 3 0",
	hardware: "M4 4h8v8H4zM6.500 1.500V4M9.500 1.500V4M6.500 12v2.500M9.500 12v2.500M1.500 6.500H4M1.500 9.500H4M12 6.500h2.500M12 9.500h2.500",
	firmware: "M3 2.500h7l3 3v8H3zM5.500 8.500 8 6l2.500 2.500M8 6v5",
	port: "M2 2.500h12v9h-3v2H5v-2H2zM5.500 2.500v3M8 2.500v3M10.500 2.500v3",
	network: "M6 1.800h4v3.700H6zM1.800 10.500h4v3.700h-4zM10.200 10.500h4v3.700h-4zM8 5.500V8M3.800 10.500V8h8.400v2.500",
	standby: "M1.500 3h5v7h-5zM9.500 6h5v7h-5zM9 3.500h2.500v1M7 12.500H4.500v-1M3 5.500h2M11 8.500h2",
	terminal: "M1.800 2.500h12.400v11H1.800zM4.500 6l2.500 2-2.500 2M8.500 10.500h3",
	warning: "M8 2 14.800 13.700H1.200zM8 6.300v3.400M8 11.600v.1",
	info: "M8 1.800a6.200 6.200 0 1 1 0 12.400A6.200 6.200 0 0 1 8 1.800ZM8 7.300v4M8 4.800v.1",
	error: "M2.500 2.500h11v11h-11zM5.600 5.600l4.800 4.800M10.400 5.600l-4.800 4.800",
	sun: "M8 5a3 3 0 1 1 0 6 3 3 0 0 1 0-6ZM8 1v1.500M8 13.500V15M1 8h1.500M13.500 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1",
	moon: "M13.500 9.800A6 6 0 0 1 6.200 2.500a6 6 0 1 0 7.300 7.300Z",
	screen: "M1.800 2.500h12.400v8.500H1.800zM5.500 14h5M8 11v3",
	language: "M8 1.800a6.200 6.200 0 1 1 0 12.400A6.200 6.200 0 0 1 8 1.800ZM1.800 8h12.400M8 1.800c4 4 4 8.400 0 12.400M8 1.800c-4 4-4 8.400 0 12.400",
	pause: "M5 3v10M11 3v10",
	play: "M4.500 2.800 13 8l-8.500 5.200z",
	download: "M8 2v8M4.500 7 8 10.500 11.500 7M2.500 13.500h11",
	upload: "M8 10.500v-8M4.500 5.500 8 2l3.500 3.500M2.500 13.500h11",
	table: "M2 3h12v10H2zM2 6.500h12M6.500 6.500V13",
	copy: "M5.500 5.500h8v8h-8zM10.500 5.500v-3h-8v8h3",
	edit: "M2.500 13.500 3.200 10.500 11 2.700l2.300 2.300-7.800 7.800zM9.500 4.200l2.300 2.300",
	trash: "M2.500 4.500h11M6 4V2.200h4V4M4 4.500l.7 9.300h6.600l.7-9.300M6.700 7v4.500M9.300 7v4.500",
	refresh: "M13.500 3v3.500H10M13.300 6.300A5.800 5.800 0 1 0 13.800 9",
	filter: "M2 3h12L9.500 8.500V13l-3-1.500v-3z",
	lock: "M3.500 7h9v6.800h-9zM5.500 7V4.800a2.500 2.500 0 0 1 5 0V7",
	key: "M8 8a2.750 2.750 0 1 1-5.500 0 2.750 2.750 0 0 1 5.500 0ZM8 8h5.500v2.250M11 8v1.750",
	eye: "M1.500 8C3 5 5.300 3.500 8 3.500S13 5 14.500 8C13 11 10.700 12.500 8 12.500S3 11 1.500 8ZM8 6a2 2 0 1 1 0 4 2 2 0 0 1 0-4Z",
	columns: "M2 3h12v10H2zM6 3v10M10 3v10",
	drag: "M6 3.500v.1M10 3.500v.1M6 8v.1M10 8v.1M6 12.500v.1M10 12.500v.1",
	external: "M9 2.500h4.500V7M13.500 2.500 7.500 8.500M11.500 9.500v4h-9v-9h4",
	keyboard: "M1.500 4h13v8.500h-13zM4 6.800v.1M6.700 6.800v.1M9.300 6.800v.1M12 6.800v.1M5 9.800h6",
	logout: "M6.500 2.500h-4v11h4M10.500 5l3 3-3 3M13.500 8H6",
	link: "M6.500 9.500 9.500 6.500M7 4.500l1.500-1.500a3 3 0 0 1 4.500 4.500L11.500 9M9 11.500 7.500 13A3 3 0 0 1 3 8.500L4.500 7",
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, size = 16, label }: { name: IconName; size?: number; label?: string }) {
	const thick = name === "more" || name === "drag";
	return (
		<svg
			width={size} height={size} viewBox="0 0 16 16" fill="none" stroke="currentColor"
			stroke-width={thick ? 2 : 1.5} stroke-linecap="round" stroke-linejoin="round"
			role={label ? "img" : undefined} aria-label={label} aria-hidden={label ? undefined : "true"}
		>
			<path d={paths[name]} />
		</svg>
	);
}

// Logo is two balanced bars on a point.
export function Logo({ size = 22 }: { size?: number }) {
	return (
		<svg class="logo" width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
			<path d="M3 8h18M12 8v12M8 20h8M6 4v8M18 4v8" />
		</svg>
	);
}
