// Package chats is how the operations on chats show chats and messages.
package chats

import (
	"encoding/json"
	"time"

	"aksio.app/shared/api"
	"aksio.app/shared/courses"
	"aksio.app/shared/documents"
	"aksio.app/shared/tutor"
)

// Summary says what a chat is about.
type Summary struct {
	Course         *string `json:"course"`
	Section        *string `json:"section"`
	Type           string  `json:"type"`
	MessageCount   int     `json:"message_count"`
	HasDocuments   bool    `json:"has_documents" doc:"Whether a message of the chat refers to a document, or cites one."`
	HasAssessments bool    `json:"has_assessments"`
}

// Item is a chat in a list.
type Item struct {
	ID         tutor.ChatID `json:"id"`
	Title      string       `json:"title"`
	Type       string       `json:"chat_type" enum:"general,course_specific,document_based,assessment_help,study_planning,concept_explanation,tutoring"`
	Status     string       `json:"status" enum:"active,archived,deleted"`
	Course     *courses.ID  `json:"course"`
	Section    *string      `json:"section"`
	Count      int          `json:"message_count"`
	Pinned     bool         `json:"is_pinned"`
	Favorite   bool         `json:"is_favorite"`
	LastActive *time.Time   `json:"last_active_at"`
	Summary    Summary      `json:"context_summary"`
	Created    time.Time    `json:"created_at"`
	Updated    time.Time    `json:"updated_at"`
}

// ViewItem shows a chat in a list.
func ViewItem(c tutor.Chat) Item {
	item := Item{
		ID: c.ID, Title: c.Title, Type: c.Type, Status: c.Status, Count: c.Messages, Pinned: c.Pinned, Favorite: c.Favorite,
		LastActive: c.LastActive, Created: c.Created, Updated: c.Updated,
		Summary: Summary{Course: c.CourseName, Type: c.Type, MessageCount: c.Messages, HasDocuments: c.HasDocuments},
	}
	if !c.Course.IsZero() {
		item.Course = &c.Course
	}
	return item
}

// Chat is a chat with its settings and newest messages.
type Chat struct {
	Item
	SystemPrompt         *string          `json:"system_prompt"`
	Model                string           `json:"ai_model" doc:"The model that is asked. gpt-4 stands for the platform's own, whichever it is: ai_model_used of a message says which one answered."`
	Temperature          float64          `json:"temperature"`
	MaxTokens            int              `json:"max_tokens"`
	Window               int              `json:"context_window_messages"`
	UseCourseContext     bool             `json:"use_course_context"`
	UseDocumentContext   bool             `json:"use_document_context"`
	UseAssessmentContext bool             `json:"use_assessment_context"`
	Tokens               int              `json:"total_tokens_used"`
	AnswerMS             *int             `json:"average_response_time_ms"`
	Session              *string          `json:"current_session"`
	Messages             []Message        `json:"messages" doc:"The newest 50, the oldest of them first."`
	Context              []map[string]any `json:"context_items"`
}

// View shows a chat.
func View(c tutor.Chat, messages []tutor.Message) Chat {
	return Chat{
		Item: ViewItem(c), SystemPrompt: c.SystemPrompt, Model: c.Model, Temperature: c.Temperature, MaxTokens: c.MaxTokens,
		Window: c.Window, UseCourseContext: c.UseCourseContext, UseDocumentContext: c.UseDocumentContext,
		UseAssessmentContext: c.UseAssessmentContext, Tokens: c.Tokens, AnswerMS: c.AnswerMS,
		Messages: api.Each(messages, ViewMessage), Context: []map[string]any{},
	}
}

// Message is a message of a chat.
type Message struct {
	ID               tutor.MessageID  `json:"id"`
	Chat             tutor.ChatID     `json:"chat"`
	Role             string           `json:"role" enum:"user,assistant"`
	Type             string           `json:"message_type" enum:"text,image,file,code,math,summary,feedback"`
	Content          string           `json:"content" doc:"Of the tutor Markdown, whose signs have a backslash before them in what the built-in model quotes. A model may write what material makes it write: show no HTML of it, and load no pictures."`
	TokenCount       *int             `json:"token_count"`
	TimeMS           *int             `json:"processing_time_ms"`
	Model            *string          `json:"ai_model_used" doc:"The model that answered; offline is the built-in one that extracts. Null with a student's message."`
	Temperature      *float64         `json:"temperature_used"`
	PromptTokens     *int             `json:"prompt_tokens"`
	CompletionTokens *int             `json:"completion_tokens"`
	ContextUsed      *string          `json:"context_used"`
	Documents        []documents.ID   `json:"referenced_documents"`
	Assessments      []string         `json:"referenced_assessments"`
	Parent           *tutor.MessageID `json:"parent_message"`
	Depth            int              `json:"thread_depth"`
	Helpful          *bool            `json:"is_helpful"`
	Rating           *int             `json:"user_rating"`
	Feedback         *string          `json:"user_feedback"`
	Relevant         bool             `json:"is_context_relevant"`
	Weight           float64          `json:"context_weight"`
	Edited           bool             `json:"is_edited"`
	Deleted          bool             `json:"is_deleted"`
	History          []map[string]any `json:"edit_history"`
	Attachments      json.RawMessage  `json:"attachments"`
	Created          time.Time        `json:"created_at"`
	Updated          time.Time        `json:"updated_at"`
	Status           string           `json:"status" enum:"complete,interrupted,pending" doc:"pending while it is answered"`
	Citations        []tutor.Citation `json:"citations" doc:"Where in the material the answer has something from; each was found there."`
}

// ViewMessage shows a message.
func ViewMessage(m tutor.Message) Message {
	v := Message{
		ID: m.ID, Chat: m.Chat, Role: string(m.Role), Type: m.Type, Content: m.Content, TokenCount: m.CompletionTokens, TimeMS: m.TimeMS,
		Model: m.Model, Temperature: m.Temperature, PromptTokens: m.PromptTokens, CompletionTokens: m.CompletionTokens,
		Documents: m.Documents, Assessments: []string{}, Depth: m.Depth, Relevant: true, Weight: 1, History: []map[string]any{},
		Attachments: m.Attachments, Created: m.Created, Updated: m.Updated, Status: m.Status, Citations: m.Citations,
	}
	for i, c := range m.Citations {
		if c.Title == "" { // cited before places had the same names everywhere
			v.Citations[i].Title, v.Citations[i].PageStart = c.DocumentName, c.Page
		}
	}
	if !m.Parent.IsZero() {
		v.Parent = &m.Parent
	}
	return v
}

// MessageCreated is the event that the student's message is kept; it comes first.
type MessageCreated struct {
	Event string  `json:"event" enum:"message_created"`
	Asked Message `json:"user_message"`
}

// Delta is the event that the answer goes on.
type Delta struct {
	Event string `json:"event" enum:"delta"`
	Text  string `json:"text" doc:"What follows after the texts so far."`
}

// CitationFound is the event that a place of the material was cited.
type CitationFound struct {
	Event    string         `json:"event" enum:"citation"`
	Citation tutor.Citation `json:"citation"`
}

// MessageComplete is the event that the answer is complete; it comes last.
type MessageComplete struct {
	Event    string  `json:"event" enum:"message_complete"`
	Answered Message `json:"ai_response"`
}

// ViewEvent shows what happened.
func ViewEvent(e tutor.Event) any {
	switch {
	case e.Asked != nil:
		return MessageCreated{"message_created", ViewMessage(*e.Asked)}
	case e.Citation != nil:
		return CitationFound{"citation", *e.Citation}
	case e.Answered != nil:
		return MessageComplete{"message_complete", ViewMessage(*e.Answered)}
	}
	return Delta{"delta", e.Text}
}
