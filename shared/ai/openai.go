package ai

func NewOpenAI(Config) Model { return Offline{} }
