package documents

import "aksio.app/shared/fault"

// Codes and messages of failures that several places know. Those of files that
// can't be read come from the reader.
const (
	codeProcessing    = "processing_failed"
	messageProcessing = "Something went wrong on our side while this document was read. Process it again; if it fails again, upload it in another format."
	codeMissing       = "upload_missing"
	messageMissing    = "The file never arrived or is gone. Upload it again."
)

func unsupported() error {
	return fault.New(fault.Unsupported, "This kind of file can't be read. Upload a PDF, a Word document, a presentation, a web page or plain text.").
		Coded("unsupported_type")
}
