package documents

import "aksio.app/shared/fault"

// Why a document fails whose file never arrived or is gone.
const (
	CodeMissing    = "upload_missing"
	MessageMissing = "The file never arrived or is gone. Upload it again."
)

func unsupported() error {
	return fault.New(fault.Unsupported, "This kind of file can't be read. Upload a PDF, a Word document, a presentation, a web page or plain text.").
		Coded("unsupported_type")
}
