// SPDX-License-Identifier: Apache-2.0

package menu

import (
	"strings"
	"unicode/utf8"
)

// A text is one of the table, in any language.
type text int

// An entry of the table: the most columns that it may take, and its languages.
type entry struct {
	room   int
	en, zh string
}

// The rooms: a whole line of the smallest display, one with a marker before it, and
// one with a value beside it.
const (
	wide   = 16
	item   = 15
	beside = 9
	lines2 = 2 * wide // two lines of it
)

// The texts.
const (
	tStarting text = iota
	tSilent
	tStopping
	tSafe
	tStopped
	tServes
	tServesNot
	tAlarms
	tAlarm
	tWarning
	tNoAlarms
	tAcknowledge
	tClusters
	tServers
	tAccepted
	tOpen
	tTrafficIn
	tTrafficOut
	tConsole
	tConsoleOff
	tFingerprint
	tAddress
	tPorts
	tVersion
	tRevision
	tUp
	tDate
	tTime
	tMenu
	tNetwork
	tConfirmChange
	tSetupCode
	tSystem
	tOptions
	tLock
	tMethod
	tNone
	tStatic
	tDHCP
	tMask
	tGateway
	tApply
	tBefore
	tAfter
	tCommit
	tUnchanged
	tKeep
	tTakeBack
	tKept
	tTakenBack
	tWaits
	tBy
	tBackIn
	tWorking
	tDone
	tNotDone
	tLocate
	tOn
	tOff
	tRestartRole
	tRestart
	tCancel
	tReboot
	tPowerOff
	tHold
	tPress5
	tKeepHolding
	tRebooting
	tFirmware
	tSlot
	tStartSlot
	tOnTrial
	tGivenUp
	tEmptySlot
	tHalting
	tContrast
	tBacklight
	tLanguage
	tEnglish
	tChinese
	tAsDisplay
	tPIN
	tWrongPIN
	tWait
	tLocked
	tNotIPv4
	tBadMask
	tNoAdmin
	tNothing
	tHotStandby
	tHARole
	tActive
	tStandby
	tFault
	tNotStarted
	tPeer
	tOK
	tAway
	tUnpaired
	tNoMirror
	tDiffers
	tRebalance
	tPairing
	tWhy
	tSwitch
	tActiveOn
	tPriority
	tGoOn
	tNoListen
	tWaitPeer
	tJoin
	tCode
	tPaired
	tWaiting
	tSame
	tDifferent
	textCount
)

var table = [textCount]entry{
	tStarting:      {wide, "Starting", "正在启动"},
	tSilent:        {wide, "Engine silent", "引擎无响应"},
	tStopping:      {wide, "Stopping", "正在停止"},
	tStopped:       {wide, "All has ended", "已全部停止"},
	tSafe:          {lines2, "Safe to power off", "可以安全断电"},
	tServes:        {wide, "Serves clients", "正在服务"},
	tServesNot:     {wide, "Serves not whole", "服务不完整"},
	tAlarms:        {beside, "Alarms", "告警"},
	tAlarm:         {beside, "ALARM", "告警"},
	tWarning:       {beside, "WARNING", "警告"},
	tNoAlarms:      {wide, "No alarms", "没有告警"},
	tAcknowledge:   {wide, "Enter: seen", "确认键：已阅"},
	tClusters:      {beside, "Clusters", "集群"},
	tServers:       {beside, "Servers", "服务器"},
	tAccepted:      {beside, "Conn/s", "连接/秒"},
	tOpen:          {beside, "Open", "连接数"},
	tTrafficIn:     {beside - 3, "In", "流入"},
	tTrafficOut:    {beside - 3, "Out", "流出"},
	tConsole:       {wide, "Console", "控制台"},
	tConsoleOff:    {wide, "Console is off", "控制台已关闭"},
	tFingerprint:   {wide, "Fingerprint", "证书指纹"},
	tAddress:       {item, "Address", "地址"},
	tPorts:         {wide, "Ports", "端口"},
	tVersion:       {beside - 1, "Version", "版本"},
	tRevision:      {beside, "Revision", "配置版本"},
	tUp:            {beside - 4, "Up", "运行"},
	tDate:          {beside - 4, "Date", "日期"},
	tTime:          {beside - 4, "Time", "时间"},
	tMenu:          {wide - 6, "Menu", "菜单"},
	tNetwork:       {item, "Network", "网络"},
	tConfirmChange: {item, "Confirm change", "确认更改"},
	tSetupCode:     {item, "Set-up code", "设置码"},
	tSystem:        {item, "System", "系统"},
	tOptions:       {item, "Options", "选项"},
	tLock:          {item, "Lock", "锁定"},
	tMethod:        {item - 8, "Method", "方式"},
	tNone:          {7, "none", "无"},
	tStatic:        {7, "static", "静态"},
	tDHCP:          {7, "DHCP", "DHCP"},
	tMask:          {item - 4, "Prefix", "前缀长度"},
	tGateway:       {item, "Gateway", "网关"},
	tApply:         {item, "Apply", "应用"},
	tBefore:        {wide, "Before:", "更改前："},
	tAfter:         {wide, "After:", "更改后："},
	tCommit:        {item, "Commit, 60 s", "提交，限60秒"},
	tUnchanged:     {wide, "Nothing changed", "没有更改"},
	tKeep:          {item, "Keep", "保留"},
	tTakeBack:      {item, "Take back", "撤回"},
	tKept:          {wide, "Change is kept", "已保留更改"},
	tTakenBack:     {wide, "Taken back", "已撤回更改"},
	tWaits:         {wide, "Change waits", "更改待确认"},
	tBy:            {4, "By", "作者"},
	tBackIn:        {beside, "Back in", "撤回倒计"},
	tWorking:       {wide, "Working...", "请稍候..."},
	tDone:          {wide, "Done", "完成"},
	tNotDone:       {wide, "Not done:", "未完成："},
	tLocate:        {item, "Locate lamp", "定位灯"},
	tOn:            {item, "On", "开"},
	tOff:           {item, "Off", "关"},
	tRestartRole:   {item, "Restart role", "重启进程"},
	tRestart:       {item, "Restart", "重启"},
	tCancel:        {item, "Cancel", "取消"},
	tReboot:        {item, "Reboot", "重新启动"},
	tPowerOff:      {item, "Power off", "关机"},
	tHold:          {wide, "Hold Enter 5 s", "按住确认键5秒"},
	tPress5:        {wide, "Press Enter x5", "按确认键5次"},
	tKeepHolding:   {wide - 3, "Hold on", "请按住"},
	tRebooting:     {wide, "Reboot asked for", "即将重新启动"},
	tFirmware:      {beside, "Firmware", "固件"},
	tSlot:          {beside - 3, "Slot", "槽位"},
	tStartSlot:     {item - 2, "Start slot", "启动槽位"},
	tOnTrial:       {beside, "on trial", "试运行"},
	tGivenUp:       {beside, "given up", "已弃用"},
	tEmptySlot:     {beside, "empty", "空"},
	tHalting:       {wide, "Power off asked", "即将关机"},
	tContrast:      {item, "Contrast", "对比度"},
	tBacklight:     {item, "Backlight", "背光"},
	tLanguage:      {item, "Language", "语言"},
	tEnglish:       {item, "English", "English"},
	tChinese:       {item, "Chinese", "中文"},
	tAsDisplay:     {6, "own", "默认"},
	tPIN:           {wide, "PIN", "密码"},
	tWrongPIN:      {wide, "Wrong PIN", "密码错误"},
	tWait:          {beside, "Wait", "请等待"},
	tLocked:        {wide, "Locked", "已锁定"},
	tNotIPv4:       {wide, "Not usable", "地址不可用"},
	tBadMask:       {wide, "Prefix 1 to 32", "前缀须为1至32"},
	tNoAdmin:       {wide, "No admin yet", "还没有管理员"},
	tNothing:       {wide, "Nothing to show", "没有内容"},
	tHotStandby:    {wide, "Hot standby", "双机热备"},
	tHARole:        {item, "HA role", "热备角色"},
	tActive:        {7, "ACTIVE", "主用"},
	tStandby:       {7, "STANDBY", "备用"},
	tFault:         {7, "FAULT", "故障"},
	tNotStarted:    {7, "INIT", "未启动"},
	tPeer:          {4, "Peer", "对端"},
	tOK:            {8, "ok", "正常"},
	tAway:          {8, "AWAY", "不可达"},
	tUnpaired:      {8, "unpaired", "未配对"},
	tNoMirror:      {8, "unlinked", "镜像断"},
	tDiffers:       {8, "differs", "有不同"},
	tRebalance:     {item, "Rebalance", "重新平衡"},
	tPairing:       {item, "Pairing", "配对"},
	tWhy:           {beside - 2, "Why", "原因"},
	tSwitch:        {item, "Switch to peer", "切换到对端"},
	tActiveOn:      {beside, "Active on", "主用设备"},
	tPriority:      {beside, "Priority", "优先级"},
	tGoOn:          {item, "Go on", "继续"},
	tNoListen:      {item, "No mirror", "没有镜像"},
	tWaitPeer:      {item, "Wait for peer", "等待对端"},
	tJoin:          {4, "Join", "加入"},
	tCode:          {beside - 1, "Code", "配对码"},
	tPaired:        {wide, "Paired", "已配对"},
	tWaiting:       {item, "Waiting", "正在等待"},
	tSame:          {item, "Codes are same", "配对码一致"},
	tDifferent:     {item, "Codes differ", "配对码不一致"},
}

// in returns the text in a language.
func (t text) in(zh bool) string {
	if zh {
		return table[t].zh
	}
	return table[t].en
}

// width returns how many columns s takes: two for each character of East Asia that
// the table or a name may have.
func width(s string) (n int) {
	for _, r := range s {
		n += columns(r)
	}
	return n
}

func columns(r rune) int {
	switch {
	case r >= 0x1100 && r <= 0x115F, r >= 0x2E80 && r <= 0xA4CF, r >= 0xAC00 && r <= 0xD7A3,
		r >= 0xF900 && r <= 0xFAFF, r >= 0xFF00 && r <= 0xFF60, r >= 0x1F300 && r <= 0x1FAFF:
		return 2
	}
	return 1
}

// clean returns s without what no display can show.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case r < ' ' || r == 0x7F || r == utf8.RuneError:
			return '?'
		}
		return r
	}, s)
}

// cut returns the beginning of s that is at most cols wide.
func cut(s string, cols int) string {
	s = clean(s)
	for i, r := range s {
		if cols -= columns(r); cols < 0 {
			return s[:i]
		}
	}
	return s
}

// pad returns s cut or filled to exactly cols columns.
func pad(s string, cols int) string {
	s = cut(s, cols)
	return s + strings.Repeat(" ", cols-width(s))
}

// pair returns a line with a label at its left and a value at its right. The label
// gives way to the value.
func pair(label, value string, cols int) string {
	value = cut(value, cols)
	room := cols - width(value)
	if room < 2 {
		return value
	}
	return pad(cut(label, room-1), room) + value
}

// wrap breaks s into lines of at most cols columns, at spaces where there are any.
func wrap(s string, cols int) (out []string) {
	line := ""
	for _, word := range strings.Fields(clean(s)) {
		if line != "" && width(line)+1+width(word) <= cols {
			line += " " + word
			continue
		}
		if line != "" {
			out = append(out, line)
		}
		for width(word) > cols {
			head := cut(word, cols)
			out, word = append(out, head), word[len(head):]
		}
		line = word
	}
	if line != "" {
		out = append(out, line)
	}
	return out
}
