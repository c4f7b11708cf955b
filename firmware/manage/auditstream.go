// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"fmt"
	"io"
	"time"

	"evener/firmware/api"
	"evener/firmware/audit"
)

type auditDownloadParams struct {
	Filter auditFilter `json:"filter,omitzero" doc:"which; all"`
}

// An AuditDownload is records as they are in the log, which follow.
type AuditDownload struct {
	Stream int    `json:"stream" doc:"one JSON object a line, the oldest first"`
	Name   string `json:"name" doc:"for the file"`
}

func (b *Box) addAuditStream(reg *api.Registry) {
	api.Add(reg, api.Method{Name: "audit.download", Purpose: "Sends all records of who did what as they are kept, to check them elsewhere.",
		Role: api.Admin, Audit: "export the audit log"}, b.downloadAudit)
}

func (b *Box) downloadAudit(ctx context.Context, _ api.Call, p auditDownloadParams) (AuditDownload, error) {
	if b.cfg.Audit == nil {
		return AuditDownload{}, errNoAudit
	}
	api.ChangeOf(ctx).After = fmt.Sprintf("up to record %d", b.cfg.Audit.Status().Seq)
	stream, err := api.OpenDownload(ctx, exportLog(b.cfg.Audit, p.Filter.filter()))
	return AuditDownload{stream, "audit-" + time.Now().UTC().Format(time.DateOnly) + ".jsonl"}, err
}

// An export reads records as they are asked for: nothing of the log is held.
type export struct {
	*io.PipeReader
	stop context.CancelFunc
	done chan struct{}
}

func exportLog(log *audit.Log, f audit.Filter) *export {
	ctx, stop := context.WithCancel(context.Background())
	r, w := io.Pipe()
	e := &export{r, stop, make(chan struct{})}
	go func() {
		defer close(e.done)
		_, err := log.Export(ctx, w, f)
		w.CloseWithError(err) // nil is io.EOF
	}()
	return e
}

// Close ends the reading of the log.
func (e *export) Close() error {
	e.stop()
	err := e.PipeReader.Close()
	<-e.done
	return err
}
