package extract

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// stacked are the elements of MathML whose parts stand over one another, with the sign
// before each part but the first where they are written in one line; and roots, whose
// sign is the element only.
var stacked = map[string]string{
	"msup": "^", "msub": "_", "msubsup": "_^", "munder": "_", "munderover": "_^", "mfrac": "/", "msqrt": "√", "mroot": "√",
}

// inLine writes the parts of a stacked element as they are typed: x², a_(i+1), 1/2, √2.
// Those in it come first.
func inLine(n *html.Node) {
	if n.Data == "msqrt" {
		root(n, "√")
		return
	}
	var parts []*html.Node
	for c := range n.ChildNodes() {
		if c.Type == html.ElementNode {
			parts = append(parts, c)
		}
	}
	signs := stacked[n.Data]
	if len(parts) != utf8.RuneCountInString(signs)+1 {
		return
	}
	before := ""
	if (n.Data == "mfrac" || n.Data == "mroot") && n.PrevSibling != nil && (n.PrevSibling.Data == "mn" || n.PrevSibling.Data == "mi") {
		before = " " // 3 1/2 isn't 31/2, nor 2 ³√x 2³√x
	}
	if n.Data == "mroot" {
		index, ok := token(parts[1])
		if !ok {
			index = "(" + inner(parts[1]) + ")"
		}
		n.RemoveChild(parts[1])
		root(n, before+raise(index)+"√")
		return
	}
	replaceText(n, before)
	write := func(text string) { n.AppendChild(textNode(text)) }
	for i, part := range parts {
		sign := ""
		if i > 0 {
			sign = signs[i-1 : i]
		}
		text, ok := token(part)
		switch {
		case ok && sign == "^" && n.Data != "munderover": // a sum up to 2 isn't squared
			write(raise(text))
		case ok && text != "":
			write(sign + text)
		case ok:
		case i == 0 && n.Data != "mfrac":
			n.AppendChild(part)
		default:
			trimSpace(part)
			write(sign + "(")
			n.AppendChild(part)
			write(")")
		}
	}
}

// root writes what is in the element behind the radical sign.
func root(n *html.Node, sign string) {
	if text, ok := token(n); ok {
		replaceText(n, sign+text)
		return
	}
	trimSpace(n)
	n.InsertBefore(textNode(sign+"("), n.FirstChild)
	n.AppendChild(textNode(")"))
}

// raise writes an exponent of one token: ², ⁻¹, ^n. A prime is raised as it is.
func raise(text string) string {
	if signs, ok := raisedText(text); ok {
		return signs
	}
	if strings.Trim(text, "'′″‴") == "" {
		return text
	}
	return "^" + text
}

// raisedText returns the text in raised signs, if there is one of each of its characters.
func raisedText(text string) (string, bool) {
	var out strings.Builder
	for _, c := range text {
		if !raisable(c) {
			return "", false
		}
		out.WriteRune(raisedSigns[c])
	}
	return out.String(), text != ""
}

// shiftLine writes what stands in a <sup> or <sub> behind a letter or a digit as it is
// typed, but for the upper part of a fraction: 3 m² and 2^(n+1), but 1/2.
func shiftLine(n *html.Node) {
	before := n.PrevSibling
	for before != nil && before.Type != html.TextNode { // letters of formulas are mostly in <i> or <var>
		before = before.LastChild
	}
	if before == nil {
		return
	}
	base, size := utf8.DecodeLastRuneInString(before.Data)
	if !carries(base) {
		return
	}
	text, ok := token(n)
	if !ok || text == "" || len(text) > mostToken || strings.HasPrefix(text, "[") { // the mark of a note
		return
	}
	var next rune
	if n.NextSibling != nil && n.NextSibling.Type == html.TextNode {
		next, _ = utf8.DecodeRuneInString(n.NextSibling.Data)
	}
	last, _ := utf8.DecodeLastRuneInString(before.Data[:len(before.Data)-size])
	switch {
	case n.DataAtom == atom.Sub:
		replaceText(n, index(text, base, next))
	case next != '/' && next != '⁄' && !ending(text, base, last):
		replaceText(n, superscript(text))
	}
}

// replaceText puts the text, if there is one, in the place of all that is in the node.
func replaceText(n *html.Node, text string) {
	for n.FirstChild != nil {
		n.RemoveChild(n.FirstChild)
	}
	if text != "" { // an empty node would be read as a space
		n.AppendChild(textNode(text))
	}
}

func textNode(text string) *html.Node { return &html.Node{Type: html.TextNode, Data: text} }

// token returns the text below the node, if there are no two pieces of it.
func token(n *html.Node) (string, bool) {
	for n.Type != html.TextNode {
		var only *html.Node
		for c := range n.ChildNodes() {
			if isSpace(c) {
				continue
			}
			if only != nil {
				return "", false
			}
			only = c
		}
		if only == nil {
			return "", true
		}
		n = only
	}
	return strings.TrimSpace(n.Data), true
}

// trimSpace takes the white space at the node's ends away.
func trimSpace(n *html.Node) {
	for n.FirstChild != nil && isSpace(n.FirstChild) {
		n.RemoveChild(n.FirstChild)
	}
	for n.LastChild != nil && isSpace(n.LastChild) {
		n.RemoveChild(n.LastChild)
	}
}

func isSpace(n *html.Node) bool {
	return n.Type == html.CommentNode || n.Type == html.TextNode && strings.TrimSpace(n.Data) == ""
}
