package api

import (
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// meanings are the codes of problems, by the alphabet. They stand in the API's document, and a
// test of functions/all compares them with those that the source gives.
var meanings = [...][2]string{
	{"ai_busy", "The language model takes no more for the moment."},
	{"ai_cut_off", "The language model's answer broke off."},
	{"ai_refused", "The language model refused the request."},
	{"ai_timeout", "The language model took too long."},
	{"ai_too_long", "It is more text than the language model takes at once."},
	{"ai_unavailable", "The language model can't be reached."},
	{"ai_unsupported", "The built-in model can't work with material in this language."},
	{"ai_unusable", "The language model gave no usable answer."},
	{"already_answered", "The question of this attempt has an answer, which can't be changed."},
	{"already_processing", "The document is being read."},
	{"answers_full", "The answers of the attempt are longer than they may be together."},
	{"attempt_over", "The attempt is completed, or was left alone for a day."},
	{"bad_authorization_header", "The Authorization header isn't Bearer and a token."},
	{"bad_credentials", "No active account has this user name and password."},
	{"bad_gateway", "Something that the operation needs gave no usable answer."},
	{"card_too_large", "The texts of the card are longer than they may be together."},
	{"conflict", "What is there already stands against it."},
	{"course_too_large", "The texts of the course are longer than they may be together."},
	{"document_deleted", "The document was deleted meanwhile."},
	{"document_failed", "The document couldn't be read; its processing_error_code says why."},
	{"document_limit", "The plan allows no more documents."},
	{"document_not_ready", "The document is still being read."},
	{"empty_file", "The file has no bytes."},
	{"encrypted", "The file is protected by a password."},
	{"file_too_large", "The file is larger than the operation or the plan takes."},
	{"generation_running", "Cards or questions of the course are being made already."},
	{"idempotency_key_reused", "The Idempotency-Key was sent with another request."},
	{"internal_error", "Something went wrong on our side."},
	{"invalid", "Values of the request are wrong, a user name that is taken among them: errors says which."},
	{"limit_reached", "A limit of the plan is reached."},
	{"method_not_allowed", "The address isn't called with this method; the Allow header has those that are."},
	{"model_budget", "The month's allowance for what asks the language model is used up."},
	{"model_budget_in_use", "What was asked for before may use up the rest of that allowance: wait until it is there."},
	{"no_attempts_left", "The quiz was taken as often as it may be."},
	{"no_material", "There is nothing read to make cards or questions from."},
	{"no_retakes", "The quiz may be taken once only, and was."},
	{"no_text", "The file has no text to read."},
	{"not_authenticated", "The request has no credentials."},
	{"not_found", "There is no such thing, or it is somebody else's."},
	{"nothing_wanted", "Neither cards nor questions are asked for."},
	{"permission_denied", "What the request is about doesn't allow it."},
	{"processing_failed", "Reading the document failed on our side, several times."},
	{"quiz_full", "The quiz has as many questions, or as much text, as it may have."},
	{"quiz_not_published", "The quiz must be published before it can be taken."},
	{"request_in_progress", "A request with this Idempotency-Key is being carried out."},
	{"storage_limit", "The plan allows no more bytes of documents, or no more text in them."},
	{"throttled", "There were too many calls in a short time."},
	{"time_is_up", "The time for the attempt is over."},
	{"timeout", "The request took too long to arrive."},
	{"token_not_valid", "The token is wrong, expired or was taken back."},
	{"too_deep", "The elements of the web page stand within each other too deep."},
	{"too_large", "The request or the file is larger than what is taken."},
	{"too_many", "There are as many things of this kind as there may be."},
	{"too_many_pages", "The file has more pages than are read."},
	{"too_many_streams", "As many streams of this kind are open as may be."},
	{"too_slow", "Reading the file takes too long."},
	{"topic_not_found", "Nothing about the topic was found in the material."},
	{"truncated_or_damaged", "The file is damaged or cut off."},
	{"tutor_no_answer", "The tutor has no answer; the message is kept."},
	{"tutor_too_long", "The message is longer than the tutor can read; it is kept."},
	{"tutor_unavailable", "The tutor can't answer now; the message is kept."},
	{"unavailable", "The operation, or what it needs, can't be reached now."},
	{"unsupported_media_type", "The body is of a type that the operation doesn't take."},
	{"unsupported_type", "The file is of a kind that can't be read."},
	{"upload_missing", "The bytes of the document aren't there, or are gone."},
	{"upload_pending", "The bytes of the document haven't arrived."},
	{"user_inactive", "The account is deactivated."},
	{"user_not_found", "The account of the token is gone."},
	{"zip_bomb", "The file unpacks to far more than it should."},
}

// describeProblem returns the schema of problems, with what its Go type can't say.
func describeProblem(schemas huma.Registry) *huma.Schema {
	ref := schemas.Schema(reflect.TypeFor[Problem](), true, "")
	problem := schemas.SchemaFromRef(ref.Ref)
	problem.Description = "Beside these members, each wrong field of a request is one that lists its messages, by the field's name, for clients that want them there. " +
		"Those of no field, and of fields that are called like a member here, are in " + nowhere + "."
	problem.AdditionalProperties = &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeString}}
	var codes strings.Builder
	codes.WriteString("A stable word for programs, also of a stream's error and as processing_error_code of a document. There may be new ones. Those of now:\n")
	for _, m := range meanings {
		codes.WriteString("\n- `" + m[0] + "`: " + m[1])
	}
	problem.Properties["code"].Description = codes.String()
	return ref
}
