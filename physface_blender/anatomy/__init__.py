"""What a face is made of: template, bones, soft-tissue volume, embedding, regions, landmarks."""
