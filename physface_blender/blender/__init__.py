"""The only bpy code: bridge, properties, panels, operators, handlers."""
