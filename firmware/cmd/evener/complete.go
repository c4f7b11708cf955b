// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"evener/firmware/manage"
	"evener/firmware/store"
	"evener/firmware/supervise"
)

// A namer asks the box for names that fit into a command line. Without a box
// there are none.
type namer func(*cobra.Command) []string

// namesOf gives what names finds in the answer to method.
func namesOf[T any](method string, params any, names func(T) []string) namer {
	return func(cmd *cobra.Command) []string {
		all, err := call[T](cmd, method, params)
		if err != nil {
			return nil
		}
		return names(all)
	}
}

func each[E any](list []E, name func(E) string) []string {
	names := make([]string, len(list))
	for i, e := range list {
		names[i] = name(e)
	}
	return names
}

var clusterNames = namesOf("cluster.list", struct{}{}, func(all manage.Clusters) []string {
	return each(all.Clusters, func(e manage.Cluster) string { return e.Name })
})

var memberNames = namesOf("pool.list", struct{}{}, func(all manage.Pools) (names []string) {
	for _, p := range all.Pools {
		for _, m := range p.Members {
			names = append(names, p.Name+"/"+m.Name)
		}
	}
	return names
})

// revisions gives the numbers of revisions, the newest first, with their comments.
var revisions = namesOf("config.history", struct{}{}, func(all manage.History) []string {
	return each(all.Revisions, func(r store.Revision) string { return cobra.CompletionWithDesc(fmt.Sprint(r.Number), r.Comment) })
})

var roleNames = namesOf("sys.info", struct{}{}, func(all manage.Info) []string {
	return each(all.Roles, func(e supervise.RoleStatus) string { return e.Name })
})

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
	completeFlag(cmd, "cluster", clusterNames)
}

// completeFlag lets the shell complete the value of a flag of cmd.
func completeFlag(cmd *cobra.Command, flag string, names namer) {
	// The error is for a flag that there is not.
	_ = cmd.RegisterFlagCompletionFunc(flag, func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return quietly(cmd, names), cobra.ShellCompDirectiveNoFileComp
	})
}

// quietly asks without a word: somebody is typing.
func quietly(cmd *cobra.Command, names namer) []string {
	cmd.SetErr(io.Discard)
	return names(cmd)
}
