"""What is recorded, kept and proven of a conversation?"""
