package bundle

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"hash/crc32"
	"io"
	"os"
	"time"
)

// entry is a file of a bundle.
type entry struct {
	name string // slash-separated
	*file
}

// file is the content of a file.
type file struct {
	hash       [sha256.Size]byte
	content    []byte
	compressed []byte // once it is archived, or found in a bundle: nothing is compressed where none changed
}

func newFile(content []byte) *file { return &file{hash: sha256.Sum256(content), content: content} }

// store reads and compresses a file once, however many bundles it is in.
type store struct {
	known map[string]*file
}

// read returns the file at the path.
func (s *store) read(path string) (*file, error) {
	if f := s.known[path]; f != nil {
		return f, nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f := newFile(content)
	s.known[path] = f
	return f, nil
}

// compress compresses the content unless it is already.
func (f *file) compress() error {
	if f.compressed != nil {
		return nil
	}
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.DefaultCompression)
	if err != nil {
		return err
	}
	if _, err := w.Write(f.content); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	f.compressed = b.Bytes()
	return nil
}

// sameAs reports whether a bundle's file has the content, and keeps its compressed form. Most files
// are in nearly all bundles: only where that form differs from the one kept is it expanded.
func (f *file) sameAs(stored *zip.File) bool {
	raw, err := stored.OpenRaw()
	if err != nil {
		return false
	}
	compressed, err := io.ReadAll(raw)
	if err != nil {
		return false
	}
	if bytes.Equal(compressed, f.compressed) {
		return true
	}
	content, err := io.ReadAll(flate.NewReader(bytes.NewReader(compressed)))
	if err != nil || !bytes.Equal(content, f.content) {
		return false
	}
	f.compressed = compressed
	return true
}

// begin is the first moment that a zip can tell: entries carry no time of their own.
var begin = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// archive writes the entries, in their order, as a zip.
func archive(w io.Writer, entries []entry) error {
	z := zip.NewWriter(w)
	for _, e := range entries {
		if err := e.compress(); err != nil {
			return err
		}
		header := &zip.FileHeader{
			Name: e.name, Method: zip.Deflate, Modified: begin,
			CRC32: crc32.ChecksumIEEE(e.content), UncompressedSize64: uint64(len(e.content)), CompressedSize64: uint64(len(e.compressed)),
		}
		header.SetMode(0o644)
		part, err := z.CreateRaw(header)
		if err != nil {
			return err
		}
		if _, err := part.Write(e.compressed); err != nil {
			return err
		}
	}
	return z.Close()
}
