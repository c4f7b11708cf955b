// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"evener/firmware/manage"
)

// A namer asks the box for names that fit into a command line. Without a box
// there are none.
type namer func(*cobra.Command) []string

func clusterNames(cmd *cobra.Command) (names []string) {
	all, err := call[manage.Clusters](cmd, "cluster.list", struct{}{})
	if err != nil {
		return nil
	}
	for _, c := range all.Clusters {
		names = append(names, c.Name)
	}
	return names
}

func memberNames(cmd *cobra.Command) (names []string) {
	all, err := call[manage.Pools](cmd, "pool.list", struct{}{})
	if err != nil {
		return nil
	}
	for _, p := range all.Pools {
		for _, m := range p.Members {
			names = append(names, p.Name+"/"+m.Name)
		}
	}
	return names
}

// revisions gives the numbers of revisions, the newest first, with their comments.
func revisions(cmd *cobra.Command) (names []string) {
	all, err := call[manage.History](cmd, "config.history", struct{}{})
	if err != nil {
		return nil
	}
	for _, r := range all.Revisions {
		names = append(names, cobra.CompletionWithDesc(fmt.Sprint(r.Number), r.Comment))
	}
	return names
}

func roleNames(cmd *cobra.Command) (names []string) {
	info, err := call[manage.Info](cmd, "sys.info", struct{}{})
	if err != nil {
		return nil
	}
	for _, r := range info.Roles {
		names = append(names, r.Name)
	}
	return names
}

// historyObjects gives what the history is kept of.
func historyObjects(cmd *cobra.Command) []string {
	names := []string{"engine"}
	for _, c := range clusterNames(cmd) {
		names = append(names, "cluster/"+c)
	}
	all, err := call[manage.Pools](cmd, "pool.list", struct{}{})
	if err != nil {
		return names
	}
	for _, p := range all.Pools {
		names = append(names, "pool/"+p.Name)
		for _, m := range p.Members {
			names = append(names, "member/"+p.Name+"/"+m.Name)
		}
	}
	return names
}

// completeFirst lets the shell complete the first argument of cmd.
func completeFirst(cmd *cobra.Command, names namer) *cobra.Command {
	return completeArgs(cmd, 1, names)
}

// completeArgs lets the shell complete the first n arguments of cmd.
func completeArgs(cmd *cobra.Command, n int, names namer) *cobra.Command {
	cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) >= n {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return quietly(cmd, names), cobra.ShellCompDirectiveNoFileComp
	}
	return cmd
}

// clusterFlag gives cmd the flag --cluster, which the shell can complete.
func clusterFlag(cmd *cobra.Command, cluster *string, usage string) {
	cmd.Flags().StringVar(cluster, "cluster", "", usage)
	// The error is for a flag that there is not.
	_ = cmd.RegisterFlagCompletionFunc("cluster", func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return quietly(cmd, clusterNames), cobra.ShellCompDirectiveNoFileComp
	})
}

// quietly asks without a word: somebody is typing.
func quietly(cmd *cobra.Command, names namer) []string {
	cmd.SetErr(io.Discard)
	return names(cmd)
}
