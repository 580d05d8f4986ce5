package progress

import "aksio.app/shared/documents"

// Topic is where the progress of a document is published.
func Topic(document documents.ID) string { return "document-" + document.String() }

// Completed is the last event of a document that was read.
func Completed(document documents.ID) map[string]any {
	return map[string]any{
		"event": "processing_complete", "document_id": document.String(), "progress": 100.0,
		"graph_id": document.String(), "total_nodes": 0, "total_edges": 0,
	}
}

// Failed is the last event of a document that wasn't.
func Failed(document documents.ID, stage documents.Stage, progress float64, code, message string) map[string]any {
	event := "processing_failed"
	if stage.Reads() {
		event = "extraction_failed"
	}
	return map[string]any{
		"event": event, "document_id": document.String(), "progress": progress, "error": message, "code": code,
	}
}
