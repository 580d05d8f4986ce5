package documents

// Why a document fails whose file never arrived or is gone.
const (
	CodeMissing    = "upload_missing"
	MessageMissing = "The file never arrived or is gone. Upload it again."
)
